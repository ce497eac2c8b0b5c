//! `dockerops render`: what would be sent to Docker, offline and without root.

use std::path::{Path, PathBuf};

use dockerops_core::compose::Compat;
use dockerops_core::diagnostic::Diagnostics;
use dockerops_core::names::StackName;
use dockerops_core::report::Problem;
use dockerops_core::source::Sources;
use dockerops_core::spec::{StackSpec, render};
use serde_json::{Value, json};

use super::Exit;
use super::offline;
use super::output::Output;
use crate::desire::{self, SecretValues, Values, given};
use crate::mistakes::{self, Style};
use crate::reconcile::{problem, read_secret};

/// Show what would be sent to Docker, without a Swarm
///
/// Either of the stacks of a repository's folder, or of compose files given by hand.
#[derive(Debug, clap::Args)]
pub(super) struct RenderArgs {
    /// A folder with `stacks.yaml` in it
    #[arg(required_unless_present = "files")]
    folder: Option<PathBuf>,

    /// Only this stack
    stack: Option<String>,

    /// A compose file (`-`: standard input); later ones override earlier ones
    #[arg(
        short = 'c',
        long = "compose-file",
        value_name = "FILE",
        requires = "name",
        conflicts_with = "folder"
    )]
    files: Vec<PathBuf>,

    /// Name of the stack of the compose files
    #[arg(long, requires = "files")]
    name: Option<String>,

    /// Accept exactly what this program accepts
    #[arg(long, value_enum)]
    compat: Option<CompatWith>,

    /// Read the values of secrets, and show them; without it, `[secret ID]` stands for one, and `0` or `false` for a number or boolean
    #[arg(long)]
    show_secrets: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum CompatWith {
    /// `docker stack deploy`
    Docker,
}

pub(super) fn run(args: &RenderArgs, out: &mut Output) -> Result<Exit, Problem> {
    let rendered = match &args.folder {
        Some(folder) => repository(folder, args, out)?,
        None => compose_files(args)?,
    };
    Ok(rendered.show(args.secrets(), out))
}

impl RenderArgs {
    fn compat(&self) -> Compat {
        match self.compat {
            Some(CompatWith::Docker) => Compat::Docker,
            None => Compat::Specification,
        }
    }

    fn secrets(&self) -> render::Secrets {
        if self.show_secrets {
            render::Secrets::Shown
        } else {
            render::Secrets::Hidden
        }
    }
}

/// The stacks that could be read, and all that is to be said of them.
struct Rendered {
    specs: Vec<StackSpec>,
    diagnostics: Diagnostics,
    sources: Sources,
}

impl Rendered {
    fn show(&self, secrets: render::Secrets, out: &mut Output) -> Exit {
        for diagnostic in &self.diagnostics.0 {
            out.say_styled(mistakes::text(diagnostic, &self.sources, Style::Styled).trim_end());
        }
        let texts = self.specs.iter().map(|spec| render::text(spec, secrets));
        out.answer(&texts.collect::<Vec<_>>().join("\n"), self.json(secrets));
        if self.diagnostics.has_errors() {
            return Exit::Failed;
        }
        Exit::Ok
    }

    /// The bodies of all stacks, kind by kind, and the diagnostics.
    fn json(&self, secrets: render::Secrets) -> Value {
        let mut all = json!({"networks": [], "configs": [], "secrets": [], "services": []});
        for spec in &self.specs {
            let mut bodies = render::json(spec, secrets);
            for (kind, list) in all.as_object_mut().into_iter().flatten() {
                if let (Value::Array(list), Some(Value::Array(more))) = (list, bodies.get_mut(kind))
                {
                    list.append(more);
                }
            }
        }
        all["diagnostics"] = mistakes::json_list(&self.diagnostics, &self.sources).into();
        all
    }
}

/// The stacks of a repository's folder, or the one that was asked for.
fn repository(folder: &Path, args: &RenderArgs, out: &mut Output) -> Result<Rendered, Problem> {
    let tree = offline::checkout(folder)?;
    let settings = offline::settings(out)?;
    let (allowed, hidden) = settings.compose_variables();
    let secret = if args.show_secrets {
        SecretValues::Read(&read_secret)
    } else {
        SecretValues::Unread
    };
    let values = Values {
        allowed: &allowed,
        hidden: &hidden,
        secret,
        compat: args.compat(),
    };
    let desired = desire::desire(&tree, &values);
    let mut rendered = Rendered {
        specs: Vec::new(),
        diagnostics: desired.diagnostics,
        sources: desired.sources,
    };
    let wanted = |name: &StackName| {
        args.stack
            .as_deref()
            .is_none_or(|only| only == name.as_str())
    };
    let mut stacks = desired
        .stacks
        .into_iter()
        .filter(|stack| wanted(&stack.name))
        .peekable();
    if let (Some(only), None, false) = (
        &args.stack,
        stacks.peek(),
        rendered.diagnostics.has_errors(),
    ) {
        let message = format!("`stacks.yaml` has no stack `{}`", only.escape_debug());
        return Err(Problem::new(
            message,
            Some("Name a stack that it lists.".to_owned()),
        ));
    }
    for stack in stacks {
        rendered.diagnostics.extend(stack.diagnostics);
        rendered.specs.extend(stack.spec);
    }
    Ok(rendered)
}

/// The stack of compose files given by hand, with the whole environment.
fn compose_files(args: &RenderArgs) -> Result<Rendered, Problem> {
    let name = args.name.as_deref().unwrap_or_default();
    let name = StackName::parse(name)
        .map_err(|error| problem(&error, Some("Give another `--name`.".to_owned())))?;
    let environment = offline::environment();
    let bare = desire::bare(&name, &given(&args.files), &environment, args.compat());
    Ok(Rendered {
        specs: bare.spec.into_iter().collect(),
        diagnostics: bare.diagnostics,
        sources: bare.sources,
    })
}
