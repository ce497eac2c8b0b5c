//! `dockerops version`: needs neither root nor Docker nor a database.

use serde_json::json;

use super::Exit;
use super::output::Output;

/// Show version, repository, commit and build target
#[derive(Debug, clap::Args)]
pub(super) struct VersionArgs {}

pub(super) fn run(_: &VersionArgs, out: &mut Output) -> Exit {
    let version = env!("CARGO_PKG_VERSION");
    let repository = env!("CARGO_PKG_REPOSITORY");
    let commit = env!("DOCKEROPS_COMMIT");
    let target = env!("DOCKEROPS_TARGET");
    let text = format!(
        "dockerops {version}\nrepository: {repository}\ncommit: {commit}\ntarget: {target}\n"
    );
    let json =
        json!({"version": version, "repository": repository, "commit": commit, "target": target});
    out.answer(&text, json);
    Exit::Ok
}
