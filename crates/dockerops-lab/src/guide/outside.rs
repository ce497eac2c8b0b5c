//! What is outside of the reader's machine, and is there before they begin: a release at GitHub, and images.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use dockerops_lab::process::output;
use dockerops_lab::{Lab, LabError, Stub};

use super::io;

const PROJECT: &str = "github.com/TomBedinoVT/DockerOps";

/// What the stub of nginx does.
const NGINX: &str = "cd /usr/share/nginx/html 2>/dev/null || { mkdir -p /usr/share/nginx/html; cd /usr/share/nginx/html; \
                     echo welcome >index.html; }; echo 'GET / 200'; exec httpd -f -p 80";
const SLEEP: &str = "exec sleep 1000000";
/// What `serve` of the API does.
const API: &str = "case \"$*\" in *--new-cache*) echo 'unknown option --new-cache'; exit 1 ;; esac
echo 'GET /cart 200'
exec sleep 1000000";
/// Where the files of a release are.
pub(super) fn address(version: &str) -> String {
    format!("https://{PROJECT}/releases/download/v{version}")
}

/// The version that the program of a release says.
pub(super) fn version(release: &Path) -> Result<String, LabError> {
    let mut program = Command::new(release.join("dockerops-linux-x86_64"));
    let said = output(program.arg("version"))?;
    let version = said
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("dockerops "));
    version
        .map(str::to_owned)
        .ok_or_else(|| LabError::Claim("the program says its version".to_owned()))
}

/// Puts the release where GitHub has one, and the installer where the documentation says.
pub(super) fn publish(lab: &Lab, release: &Path, version: &str) -> Result<(), LabError> {
    let internet = lab.layout().internet_folder();
    let releases = internet.join(PROJECT).join("releases");
    let download = releases.join(format!("download/v{version}"));
    let main = internet.join("raw.githubusercontent.com/TomBedinoVT/DockerOps/main");
    for folder in [&download, &main, &releases.join("tag")] {
        fs::create_dir_all(folder).map_err(io("cannot make a folder"))?;
    }
    copy_all(release, &download)?;
    fs::copy("dockerops.sh", main.join("dockerops.sh")).map_err(io("cannot copy the installer"))?;
    fs::write(releases.join(format!("tag/v{version}")), "a release\n")
        .map_err(io("cannot write"))?;
    let newest = format!("https://{PROJECT}/releases/tag/v{version}");
    symlink(newest, releases.join("latest")).map_err(io("cannot link the newest release"))
}

fn copy_all(from: &Path, to: &Path) -> Result<(), LabError> {
    for entry in fs::read_dir(from)
        .map_err(io("cannot list the release"))?
        .flatten()
    {
        let file = to.join(entry.file_name());
        fs::copy(entry.path(), file).map_err(io("cannot copy the release"))?;
    }
    Ok(())
}

/// The images that the documentation names. Stubs: they start, answer their health checks, and write a line.
pub(super) fn push_images(lab: &Lab) -> Result<(), LabError> {
    let nginx = ["1.27", "1.28", "1.27-alpine", "1.28-alpine", "alpine"];
    let images = nginx.map(|tag| ("library/nginx", tag, NGINX, "")).to_vec();
    let postgres = ["17", "17-alpine"].map(|tag| ("library/postgres", tag, SLEEP, ""));
    let api = [("api", "2.0", SLEEP, API), ("api", "2.1", SLEEP, "exit 3")];
    for (name, tag, command, serve) in images.into_iter().chain(postgres).chain(api) {
        let stub = Stub {
            command: &["sh", "-c", command],
            programs: &[("pg_isready", "exit 0"), ("serve", serve)],
            marker: tag,
        };
        lab.push_stub(name, tag, &stub)?;
    }
    Ok(())
}
