//! Compose files given by hand (`-c`) → what their stack asks for, by Docker's rules.
//!
//! Paths may point anywhere; relative ones start at the folder of the first file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use dockerops_core::compose::{
    self, Compat, Compose, FileError, Files, Origin, Request, Variables,
};
use dockerops_core::diagnostic::{Diagnostic, Diagnostics};
use dockerops_core::manifest::{Manifest, StackOptions};
use dockerops_core::names::StackName;
use dockerops_core::source::{FileId, Sources};
use dockerops_core::spec::{self, Input, StackSpec};

use super::tree::{limited, read_stream};
use super::{Desired, DesiredStack, read_file};

/// What the files of one stack ask for.
#[derive(Debug, Default)]
pub struct Bare {
    /// The files, merged, as far as they could be read.
    pub compose: Option<Compose>,
    /// What it asks for; `None` when `diagnostics` has errors.
    pub spec: Option<StackSpec>,
    /// What is wrong with the files.
    pub diagnostics: Diagnostics,
    /// The texts that diagnostics point into.
    pub sources: Sources,
}

impl Bare {
    /// The same as a repository of one stack: without volumes, bindings and secrets of its own.
    pub fn into_desired(self, name: StackName, compose_path: String) -> Desired {
        let stack = DesiredStack {
            name,
            options: StackOptions::default(),
            compose_path,
            paths: BTreeSet::new(),
            compose: self.compose,
            secrets: Vec::new(),
            spec: self.spec.filter(|_| !self.diagnostics.has_errors()),
            diagnostics: self.diagnostics,
        };
        Desired {
            manifest: Some(Manifest::default()),
            stacks: vec![stack],
            diagnostics: Diagnostics::default(),
            sources: self.sources,
        }
    }
}

/// A compose file given by hand, read once: standard input cannot be read again.
#[derive(Debug, Clone)]
pub struct GivenFile {
    /// As given; `-` is standard input.
    pub path: PathBuf,
    text: Result<String, FileError>,
}

/// Reads `files`; standard input once, so that a second `-` has nothing more to say.
pub fn given(files: &[PathBuf]) -> Vec<GivenFile> {
    let read = |path: &PathBuf| GivenFile {
        path: path.clone(),
        text: text(path),
    };
    files.iter().map(read).collect()
}

/// What `files` ask for, later ones overriding earlier ones.
pub fn bare(
    stack: &StackName,
    files: &[GivenFile],
    environment: &BTreeMap<String, String>,
    compat: Compat,
) -> Bare {
    let mut bare = Bare::default();
    let Some(ids) = read(files, &mut bare.sources, &mut bare.diagnostics) else {
        return bare;
    };
    let mut variables = Variables::new(compat);
    for (name, value) in environment {
        variables.set_ambient(name, value);
    }
    let beside = Beside {
        folder: working_folder(files),
        home: environment.get("HOME").map(PathBuf::from),
    };
    let origin = Origin::Bare {
        working_dir: beside.folder.to_string_lossy().into_owned(),
    };
    let request = Request {
        files: &ids,
        variables: &variables,
        read: &beside,
        origin: origin.clone(),
        compat,
    };
    bare.compose = compose::load(&request, &mut bare.sources, &mut bare.diagnostics);
    let input = Input {
        stack,
        volumes: &BTreeMap::new(),
        nfs: None,
        origin,
    };
    let compose = bare.compose.as_ref();
    bare.spec = compose.and_then(|compose| spec::convert(compose, &input, &mut bare.diagnostics));
    bare
}

fn read(files: &[GivenFile], sources: &mut Sources, out: &mut Diagnostics) -> Option<Vec<FileId>> {
    let mut ids = Vec::new();
    for GivenFile { path, text } in files {
        let name = path.display();
        match text {
            Ok(text) => ids.push(sources.add(name.to_string(), text.as_str())),
            Err(error) => {
                let message = format!("`{name}` cannot be read: {error}");
                let problem = Diagnostic::error("unreadable-file", None, message);
                out.push(problem.hint("Check the path; it is relative to the folder you are in."));
            }
        }
    }
    (!out.has_errors()).then_some(ids)
}

fn text(path: &Path) -> Result<String, FileError> {
    let bytes = if path == Path::new("-") {
        limited(std::io::stdin())?
    } else {
        read_stream(path)?
    };
    String::from_utf8(bytes).map_err(|_| FileError::Unreadable("it is not UTF-8 text".to_owned()))
}

/// The folder of the first file, absolute; for standard input the current one.
fn working_folder(files: &[GivenFile]) -> PathBuf {
    let first = files.first().filter(|file| file.path != Path::new("-"));
    let folder = first
        .and_then(|file| file.path.parent())
        .unwrap_or(Path::new(""));
    let absolute = std::path::absolute(folder).or_else(|_| std::env::current_dir());
    absolute.unwrap_or_else(|_| PathBuf::from("/"))
}

/// Files named in a compose file.
struct Beside {
    folder: PathBuf,
    home: Option<PathBuf>,
}

impl Files for Beside {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        match (path.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => read_file(&home.join(rest)),
            _ => read_file(&self.folder.join(path)),
        }
    }
}
