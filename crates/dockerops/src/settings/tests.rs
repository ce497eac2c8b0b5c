//! What the environment and the settings files decide.

use std::os::unix::fs::PermissionsExt;

use super::files::home_in;
use super::*;

fn sources(process: &[(&str, &str)], file: &str) -> Sources {
    let process = process
        .iter()
        .map(|(name, value)| ((*name).to_owned(), OsString::from(value)));
    Sources {
        process: Environment(process.collect()),
        files: vec![("f.env".to_owned(), file.to_owned())],
        passwd_home: Some("/passwd".into()),
    }
}

fn decide(process: &[(&str, &str)], file: &str) -> Settings {
    Settings::decide(&sources(process, file)).unwrap()
}

fn refused(name: &str, value: &str) -> String {
    Settings::decide(&sources(&[(name, value)], ""))
        .unwrap_err()
        .to_string()
}

#[test]
fn nothing_set_means_the_documented_defaults() {
    let settings = decide(&[("HOME", "/h")], "");
    assert_eq!(settings.database, Path::new("/h/.dockerops/dockerops.db"));
    assert_eq!(settings.pull_policy, PullPolicy::IfNotPresent);
    assert_eq!(settings.docker.config, Path::new("/h/.docker"));
    assert_eq!(settings.stability_window.as_secs(), 5);
    assert_eq!(settings.history, 50);
    assert!(settings.token.is_none() && !settings.allow_non_root && settings.warnings.is_empty());
}

#[test]
fn the_home_is_home_else_that_of_the_effective_uid() {
    assert_eq!(decide(&[], "").folder, Path::new("/passwd/.dockerops"));
    assert_eq!(
        decide(&[("HOME", "")], "").folder,
        Path::new("/passwd/.dockerops")
    );
    let passwd = "root:x:0:0:root:/root:/bin/bash\nann:x:1000:1000:,,,:/home/ann:/bin/sh\n";
    assert_eq!(home_in(passwd, "1000"), Some("/home/ann".into()));
    assert_eq!(home_in(passwd, "7"), None);
}

#[test]
fn a_tilde_is_the_home() {
    let settings = decide(&[("HOME", "/h"), ("DOCKEROPS_DB_PATH", "~/x.db")], "");
    assert_eq!(settings.database, Path::new("/h/x.db"));
    assert_eq!(
        decide(&[("DOCKEROPS_DB_PATH", "/a/~/x")], "").database,
        Path::new("/a/~/x")
    );
}

#[test]
fn the_environment_wins_over_the_file() {
    let file = "# comment\nexport DOCKER_HOST=\"tcp://file\"\r\nDOCKEROPS_COMPOSE_ENV=TAG,B\nTAG='from file'\n";
    let settings = decide(&[("DOCKER_HOST", "unix:///env")], file);
    assert_eq!(settings.docker.host.as_deref(), Some("unix:///env"));
    assert_eq!(settings.environment.text("TAG"), Some("from file"));
    assert_eq!(Vec::from_iter(settings.compose_env), ["B", "TAG"]);
}

#[test]
fn the_file_is_not_a_shell_script() {
    let settings = decide(&[], "DOCKER_HOST=$(touch pwned)$HOME");
    assert_eq!(settings.docker.host.as_deref(), Some("$(touch pwned)$HOME"));
    let error = Settings::decide(&sources(&[], "\nsource /etc/profile\n")).unwrap_err();
    assert_eq!(error.to_string(), "line 2 of `f.env` is not `NAME=value`");
}

#[test]
fn bad_values_are_refused_naming_what_is_allowed() {
    let policy = refused("DOCKEROPS_IMAGE_PULL_POLICY", "sometimes");
    assert!(
        policy.contains("`always`") && policy.contains("`ifnotpresent`"),
        "{policy}"
    );
    assert!(refused("DOCKEROPS_GITHUB_HOSTS", "https://ghe/").contains("`host:port`"));
    assert!(refused("DOCKEROPS_INSECURE_REGISTRIES", "r:http").contains("`host:port`"));
    assert!(refused("DOCKEROPS_COMPOSE_ENV", "A-B").contains("names of variables"));
    assert!(refused("DOCKEROPS_COMPOSE_ENV", "GITHUB_TOKEN").contains("GitHub alone"));
    for bad in ["5", "-1s", "2h"] {
        assert!(refused("DOCKEROPS_STABILITY_WINDOW", bad).contains("`5s`"));
    }
    for bad in ["0", "-1", "many"] {
        assert!(refused("DOCKEROPS_HISTORY", bad).contains("1 or more"));
    }
    assert!(refused("DOCKEROPS_ALLOW_NON_ROOT", "maybe").contains("`1` or `0`"));
}

#[test]
fn the_token_is_nowhere_but_in_its_own_field() {
    let settings = decide(&[("GITHUB_TOKEN", "hunter2\n"), ("OTHER", "hunter3")], "");
    assert_eq!(settings.token.as_ref().unwrap().expose(), b"hunter2");
    assert!(!format!("{settings:?}").contains("hunter"));
    assert_eq!(settings.environment.text("GITHUB_TOKEN"), None);
    assert!(!refused("GITHUB_TOKEN", "two hunter2").contains("hunter2"));
}

#[test]
fn the_token_file_is_read_and_a_loose_one_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    fs::write(&path, "hunter2\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let mut settings = decide(&[("GITHUB_TOKEN_FILE", path.to_str().unwrap())], "");
    settings.read_token_file().unwrap();
    assert_eq!(settings.token.as_ref().unwrap().expose(), b"hunter2");
    assert_eq!(settings.warnings.len(), 1, "{:?}", settings.warnings);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    settings = decide(&[("GITHUB_TOKEN_FILE", path.to_str().unwrap())], "");
    settings.read_token_file().unwrap();
    assert!(settings.warnings.is_empty());
}

#[test]
fn a_settings_file_with_a_token_that_others_read_is_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.env");
    let warned = |text: &str, mode: u32| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let mut warnings = Vec::new();
        read_settings_file(&path, &mut warnings).unwrap();
        warnings.join("")
    };
    assert!(warned("GITHUB_TOKEN=hunter2", 0o644).contains("read by other users"));
    assert!(!warned("GITHUB_TOKEN=hunter2", 0o644).contains("hunter2"));
    assert!(warned("A=1", 0o666).contains("changed by other users"));
    assert_eq!(warned("A=1", 0o644), "");
    assert_eq!(warned("GITHUB_TOKEN=hunter2", 0o600), "");
}

#[test]
fn a_misspelt_setting_in_a_file_is_a_warning() {
    let settings = decide(&[], "DOCKEROPS_DB=/x\n");
    assert!(settings.warnings.join("").contains("`DOCKEROPS_DB`"));
}

#[test]
fn only_root_or_who_was_allowed() {
    assert!(root_or_allowed(true, false).is_ok() && root_or_allowed(false, true).is_ok());
    let error = root_or_allowed(false, false).unwrap_err().to_string();
    assert_eq!(
        error,
        "DockerOps must be run with root privileges (use sudo)"
    );
}
