//! `dockerops schema`: the JSON Schemas of the manifest files, for editors; needs nothing.

use clap::ValueEnum;
use clap::builder::PossibleValue;
use dockerops_core::manifest::ManifestFile;
use serde_json::json;

use super::Exit;
use super::output::Output;

/// Print the JSON Schema of a file of a repository
///
/// Editors complete and check such a file by its schema. Without a file: list the schemas there are.
#[derive(Debug, clap::Args)]
pub(super) struct SchemaArgs {
    /// The file whose schema to print
    #[arg(value_enum)]
    file: Option<Described>,
}

/// A file that has a schema, as the command line names it.
#[derive(Debug, Clone, Copy)]
struct Described(ManifestFile);

impl ValueEnum for Described {
    fn value_variants<'a>() -> &'a [Self] {
        const ALL: [Described; ManifestFile::ALL.len()] = {
            let [stacks, volumes, nfs, secrets] = ManifestFile::ALL;
            [
                Described(stacks),
                Described(volumes),
                Described(nfs),
                Described(secrets),
            ]
        };
        &ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.0.name()).alias(self.0.file_name());
        Some(value.help(format!("`{}`: {}", self.0.file_name(), self.0.about())))
    }
}

pub(super) fn run(args: &SchemaArgs, out: &mut Output) -> Exit {
    match args.file {
        Some(Described(file)) => print(file, out),
        None => list(out),
    }
    Exit::Ok
}

fn print(file: ManifestFile, out: &mut Output) {
    let schema = file.schema();
    let text = format!("{schema:#}\n");
    out.answer(
        &text,
        json!({"file": file.file_name(), "json_schema": schema}),
    );
}

fn list(out: &mut Output) {
    let line = |file: ManifestFile| {
        let name = file.file_name();
        format!(
            "{name:<13} {}\n{:<13} {}\n",
            file.about(),
            "",
            file.schema_url()
        )
    };
    let entry = |file: ManifestFile| {
        json!({
            "name": file.name(), "file": file.file_name(),
            "about": file.about(), "url": file.schema_url(),
        })
    };
    let text: String = ManifestFile::ALL.map(line).concat();
    out.answer(&text, json!({"schemas": ManifestFile::ALL.map(entry)}));
}
