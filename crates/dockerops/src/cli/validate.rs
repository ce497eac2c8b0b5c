//! `dockerops validate`: every mistake of a repository or of compose files, offline and without root.
//!
//! Here the mistakes are the answer, so they go to stdout.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use dockerops_core::bindings::overlaps;
use dockerops_core::codes;
use dockerops_core::compose::Compat;
use dockerops_core::diagnostic::Diagnostics;
use dockerops_core::lint::{self, Input, Linted, Stack};
use dockerops_core::manifest::LintOff;
use dockerops_core::names::StackName;
use dockerops_core::report::Problem;
use dockerops_core::source::Sources;
use serde_json::{Value, json};

use super::Exit;
use super::offline;
use super::output::Output;
use crate::desire::{self, Desired, SecretValues, Tree, Values, given};
use crate::mistakes::{self, Style, sarif};
use crate::reconcile::problem;

/// Find every mistake in a repository or in compose files, without a Swarm
///
/// Exits with 1 when there are errors. Secrets are never opened.
#[derive(Debug, clap::Args)]
pub(super) struct ValidateArgs {
    /// A folder with `stacks.yaml` in it [default: the current one]
    folder: Option<PathBuf>,

    /// A compose file (`-`: standard input); later ones override earlier ones
    #[arg(
        short = 'c',
        long = "compose-file",
        value_name = "FILE",
        conflicts_with = "folder"
    )]
    files: Vec<PathBuf>,

    /// Name of the stack of the compose files
    #[arg(long, requires = "files", default_value = "stack")]
    name: String,

    /// Fail on warnings, too
    #[arg(long)]
    strict: bool,

    /// Turn a lint off; `lints.yaml` does so in the repository
    #[arg(
        long,
        value_name = "LINT",
        value_parser = clap::builder::PossibleValuesParser::new(codes::lints())
    )]
    allow: Vec<String>,

    /// Answer in SARIF 2.1.0, for code scanning
    #[arg(long, conflicts_with = "output")]
    sarif: bool,
}

pub(super) fn run(args: &ValidateArgs, out: &mut Output) -> Result<Exit, Problem> {
    let checked = if args.files.is_empty() {
        repository(args, out)?
    } else {
        compose_files(args)?
    };
    if args.sarif {
        out.document(&checked.sarif());
    } else {
        out.answer_mistakes(&checked.text(), checked.json());
    }
    let warned = args.strict && checked.warnings() > 0;
    if checked.errors() > 0 || warned {
        return Ok(Exit::Failed);
    }
    Ok(Exit::Ok)
}

/// The stacks of a repository's folder.
fn repository(args: &ValidateArgs, out: &mut Output) -> Result<Checked, Problem> {
    let folder = args.folder.as_deref().unwrap_or(Path::new("."));
    let tree = offline::checkout(folder)?;
    let settings = offline::settings(out)?;
    let (allowed, hidden) = settings.compose_variables();
    let values = Values {
        allowed: &allowed,
        hidden: &hidden,
        secret: SecretValues::Unread,
        compat: Compat::Specification,
    };
    let mut desired = desire::desire(&tree, &values);
    let mut off = args.off();
    off.extend(desire::lints_off(&tree, &mut desired));
    let linted = lint_all(&desired, &tree);
    let mut diagnostics = desired.diagnostics;
    diagnostics.0.extend(
        desired
            .manifest
            .iter()
            .flat_map(|manifest| overlaps(manifest).0),
    );
    let stacks = desired.stacks.len();
    for stack in desired.stacks {
        diagnostics.extend(stack.diagnostics);
    }
    Ok(Checked {
        diagnostics: together(diagnostics, linted, &off),
        sources: desired.sources,
        stacks,
        base: sarif::Base {
            folder: from_here(folder),
            whole: "stacks.yaml".into(),
        },
    })
}

fn lint_all(desired: &Desired, tree: &dyn Tree) -> Linted {
    let manifest = desired.manifest.as_ref();
    let absent = manifest.map(|manifest| desire::absent_bindings(tree, manifest));
    let readable = desired.stacks.iter().filter_map(|stack| {
        Some(Stack {
            name: &stack.name,
            compose: stack.compose.as_ref()?,
            spec: stack.spec.as_ref(),
            secrets: &stack.secrets,
        })
    });
    lint::lint(&Input {
        sources: &desired.sources,
        manifest,
        absent: &absent.unwrap_or_default(),
        stacks: &readable.collect::<Vec<_>>(),
    })
}

/// The stack of compose files given by hand, with the whole environment.
fn compose_files(args: &ValidateArgs) -> Result<Checked, Problem> {
    let name = StackName::parse(&args.name)
        .map_err(|error| problem(&error, Some("Give another `--name`.".to_owned())))?;
    let environment = offline::environment();
    let bare = desire::bare(
        &name,
        &given(&args.files),
        &environment,
        Compat::Specification,
    );
    let stack = bare.compose.as_ref().map(|compose| Stack {
        name: &name,
        compose,
        spec: bare.spec.as_ref(),
        secrets: &[],
    });
    let linted = lint::lint(&Input {
        sources: &bare.sources,
        manifest: None,
        absent: &BTreeSet::new(),
        stacks: stack.as_slice(),
    });
    Ok(Checked {
        diagnostics: together(bare.diagnostics, linted, &args.off()),
        sources: bare.sources,
        stacks: 1,
        base: sarif::Base {
            folder: PathBuf::new(),
            whole: args.files.first().cloned().unwrap_or_default(),
        },
    })
}

/// Mistakes and findings, in the order of the files and of their lines.
fn together(mut diagnostics: Diagnostics, linted: Linted, off: &[LintOff]) -> Diagnostics {
    let findings = lint::without(linted.findings, off).into_iter();
    diagnostics
        .0
        .extend(findings.map(|finding| finding.diagnostic));
    linted.hidden.keep_from(&mut diagnostics);
    diagnostics.0.sort_by_key(|diagnostic| diagnostic.span);
    diagnostics
}

/// `folder`, relative to the current one where it lies in it: code scanning runs there.
fn from_here(folder: &Path) -> PathBuf {
    let below = std::env::current_dir()
        .ok()
        .and_then(|here| folder.strip_prefix(here).ok().map(Path::to_owned));
    below.unwrap_or_else(|| folder.to_owned())
}

impl ValidateArgs {
    fn off(&self) -> Vec<LintOff> {
        let named = |allowed: &String| codes::lints().find(|lint| lint == allowed);
        let lints = self.allow.iter().filter_map(named);
        lints.map(|lint| LintOff { lint, stack: None }).collect()
    }
}

/// All that is to be said.
struct Checked {
    diagnostics: Diagnostics,
    sources: Sources,
    stacks: usize,
    base: sarif::Base,
}

impl Checked {
    fn errors(&self) -> usize {
        self.diagnostics.errors().count()
    }

    fn warnings(&self) -> usize {
        self.diagnostics.warnings().count()
    }

    fn text(&self) -> String {
        let each = self.diagnostics.0.iter();
        let texts = each.map(|d| mistakes::text(d, &self.sources, Style::Styled) + "\n");
        texts.collect::<String>() + &self.count() + "\n"
    }

    /// `2 errors, 1 warning in 4 stacks.`
    fn count(&self) -> String {
        let counted = |number: usize, word: &str| match number {
            1 => format!("1 {word}"),
            _ => format!("{number} {word}s"),
        };
        let kinds = [(self.errors(), "error"), (self.warnings(), "warning")];
        let found: Vec<_> = kinds
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| counted(number, word))
            .collect();
        let found = match found.as_slice() {
            [] => "No mistakes".to_owned(),
            found => found.join(", "),
        };
        format!("{found} in {}.", counted(self.stacks, "stack"))
    }

    fn json(&self) -> Value {
        json!({
            "ok": !self.diagnostics.has_errors(),
            "stacks": self.stacks,
            "errors": self.errors(),
            "warnings": self.warnings(),
            "diagnostics": mistakes::json_list(&self.diagnostics, &self.sources),
        })
    }

    fn sarif(&self) -> Value {
        sarif::log(&self.diagnostics, &self.sources, &self.base)
    }
}
