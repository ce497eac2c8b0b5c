//! `dockerops init`: a commented example repository to start from; needs neither root nor Docker.

use std::path::{Path, PathBuf};

use dockerops_core::report::Problem;
use serde_json::json;

use super::Exit;
use super::output::Output;
use crate::init;
use crate::reconcile::problem;

/// Write a commented example repository to start from
///
/// Two stacks with a volume, a binding, a secret and health checks. What is in the folder stays as
/// it is; when a file of the example is there already, nothing is written.
#[derive(Debug, clap::Args)]
pub(super) struct InitArgs {
    /// The folder to write to; it is made when it is missing
    #[arg(default_value = ".")]
    folder: PathBuf,
}

pub(super) fn run(args: &InitArgs, out: &mut Output) -> Result<Exit, Problem> {
    let files = init::write(&args.folder).map_err(|error| problem(&error, Some(error.hint())))?;
    let shown = args.folder.display().to_string();
    let text = format!("wrote into `{shown}`:\n  {}\n", files.join("\n  "));
    out.answer(&text, json!({"folder": shown, "files": files}));
    out.say(&next(&args.folder));
    Ok(Exit::Ok)
}

/// What a person does now.
fn next(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "\nNext:
  1. name the folder that your nodes share in `nfs.yaml`
  2. write the password of the database to `secret/postgres_password` in that folder
  3. see what the Swarm would be asked for: dockerops render {folder}
  4. commit and push, then on a manager: sudo dockerops watch <url>
`README.md` has the commands."
    )
}
