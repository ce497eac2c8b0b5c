//! The configuration of the hub's servers, with their throwaway keys and passwords.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::error::{Doing, LabError};
use crate::layout::{
    HUB, INTERNET, Layout, PRIVATE_REGISTRY_PORT, REGISTRY_PORT, REGISTRY_USER, TLS_REGISTRY_PORT,
    TOKEN_PORT, TOKEN_REGISTRY_PORT,
};
use crate::process::output;

/// The registries' names; each has a configuration `<name>.yml`. All hold the same images.
pub(crate) const REGISTRIES: [&str; 4] = ["registry", "private", "tls", "token"];

/// Who issues tokens, and for which service: the registry wants both in each.
pub(crate) const TOKEN_ISSUER: &str = "dockerops-lab";
/// See [`TOKEN_ISSUER`].
pub(crate) const TOKEN_SERVICE: &str = "lab-registry";

/// The bcrypt hash of [`crate::layout::REGISTRY_PASSWORD`]; the registry takes no other kind.
const PASSWORD_HASH: &str = "$2y$05$dockeropslabdockeropsecbaC3oDPks//tJUzqaNi8eW7OH.biTO";

/// Writes everything that the hub's servers read.
pub(crate) fn write_all(layout: &Layout) -> Result<(), LabError> {
    make_folder(&layout.git_folder())?;
    make_folder(&layout.internet_folder())?;
    let elliptic = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    make_certificate(&elliptic, &layout.certificate(), &layout.certificate_key())?;
    // RSA: its signatures go into a token as they are.
    let rsa = ["rsa:2048"];
    make_certificate(&rsa, &layout.token_certificate(), &layout.token_key())?;
    write_registries(layout)?;
    write_ssh(layout)
}

/// A certificate that is its own authority; `algorithm` is what `-newkey` takes.
fn make_certificate(algorithm: &[&str], certificate: &Path, key: &Path) -> Result<(), LabError> {
    let hosts = INTERNET.map(|host| format!(",DNS:{host}")).concat();
    let names = format!("subjectAltName=IP:{HUB},IP:127.0.0.1,DNS:localhost{hosts}");
    let mut openssl = Command::new("openssl");
    openssl
        .args(["req", "-x509", "-newkey"])
        .args(algorithm)
        .args([
            "-nodes",
            "-days",
            "30",
            "-subj",
            "/CN=dockerops-lab",
            "-addext",
            &names,
            // A server's: some clients refuse an authority that speaks for itself.
            "-addext",
            "basicConstraints=critical,CA:FALSE",
        ])
        .arg("-keyout")
        .arg(key)
        .arg("-out")
        .arg(certificate);
    output(&mut openssl).map(|_| ())
}

fn write_registries(layout: &Layout) -> Result<(), LabError> {
    let users = layout.folder.join("htpasswd");
    write(&users, &format!("{REGISTRY_USER}:{PASSWORD_HASH}\n"))?;
    let auth = format!(
        "auth: {{htpasswd: {{realm: lab, path: {}}}}}\n",
        users.display()
    );
    let tls = format!(
        ", tls: {{certificate: {}, key: {}}}",
        layout.certificate().display(),
        layout.certificate_key().display()
    );
    let token = format!(
        "auth: {{token: {{realm: \"http://127.0.0.1:{TOKEN_PORT}/token\", service: {TOKEN_SERVICE}, \
         issuer: {TOKEN_ISSUER}, rootcertbundle: {}}}}}\n",
        layout.token_certificate().display()
    );
    let [open, private, encrypted, with_token] = REGISTRIES;
    write_registry(layout, open, REGISTRY_PORT, "", "")?;
    write_registry(layout, private, PRIVATE_REGISTRY_PORT, "", &auth)?;
    write_registry(layout, encrypted, TLS_REGISTRY_PORT, &tls, &auth)?;
    write_registry(layout, with_token, TOKEN_REGISTRY_PORT, "", &token)
}

fn write_registry(
    layout: &Layout,
    name: &str,
    port: u16,
    tls: &str,
    auth: &str,
) -> Result<(), LabError> {
    let images = layout.folder.join("images");
    let text = format!(
        "version: 0.1\nlog: {{level: warn}}\n\
         storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"{HUB}:{port}\"{tls}}}\n{auth}",
        images.display()
    );
    write(&layout.folder.join(format!("{name}.yml")), &text)
}

fn write_ssh(layout: &Layout) -> Result<(), LabError> {
    let folder = layout.ssh_folder();
    make_folder(&folder)?;
    for name in ["host_key", "client_key"] {
        let mut keygen = Command::new("ssh-keygen");
        keygen
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .arg(folder.join(name));
        output(&mut keygen)?;
    }
    let read = |name: &str| {
        fs::read_to_string(folder.join(name)).doing(|| format!("cannot read `{name}`"))
    };
    write(&folder.join("authorized_keys"), &read("client_key.pub")?)?;
    write(
        &folder.join("known_hosts"),
        &format!("{HUB} {}", read("host_key.pub")?),
    )?;
    let here = folder.display();
    let config = format!(
        "ListenAddress {HUB}:22\nHostKey {here}/host_key\nAuthorizedKeysFile {here}/authorized_keys\n\
         PidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
         PermitRootLogin prohibit-password\nMaxStartups 200\n"
    );
    write(&folder.join("sshd_config"), &config)
}

fn make_folder(path: &Path) -> Result<(), LabError> {
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o755)))
        .doing(|| format!("cannot make `{}`", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), LabError> {
    fs::write(path, text).doing(|| format!("cannot write `{}`", path.display()))
}
