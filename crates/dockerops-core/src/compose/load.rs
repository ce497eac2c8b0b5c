//! The way from files to a [`Compose`]: the stages, in order.

use std::collections::{BTreeMap, BTreeSet};

use super::interpolate::interpolate;
use super::path::Path;
use super::section::Section;
use super::{Compose, Request, env_file, ignored, merge, objects, paths, schema, service, version};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::field::Text;
use crate::secret::Secret;
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Node, Value};

/// Loads, checks and merges the files of one stack.
///
/// `None` when any of them has an error; all that was found is in `out`.
/// Env files are added to `sources`, so that problems in them have a position, too.
pub fn load(
    request: &Request<'_>,
    sources: &mut Sources,
    out: &mut Diagnostics,
) -> Option<Compose> {
    let mut found = Diagnostics::default();
    let mut loaded: Option<(Compose, u8)> = None;
    let mut env_files = EnvFiles::new();
    for &file in request.files {
        let Some((compose, minor)) = load_file(request, file, sources, &mut found, &mut env_files)
        else {
            continue;
        };
        loaded = Some(match loaded {
            None => (compose, minor),
            Some((base, first)) => {
                same_version(file, first, minor, &mut found);
                (merge::merge(base, compose), first)
            }
        });
    }
    if let Some((compose, _)) = &loaded {
        every_service_has_an_image(compose, &mut found);
    }
    tidy(&mut found);
    let failed = found.has_errors();
    out.extend(found);
    loaded.map(|(compose, _)| compose).filter(|_| !failed)
}

/// Puts problems in the order of the text, and says once what an anchor brought to many places.
fn tidy(found: &mut Diagnostics) {
    let mut said = BTreeSet::new();
    found.0.retain(|problem| {
        problem.span.is_none()
            || problem.code == "missing-key"
            || said.insert((problem.span, problem.code))
    });
    found.0.sort_by_key(|problem| problem.span);
}

/// Docker refuses to merge files of different versions.
fn same_version(file: FileId, first: u8, minor: u8, out: &mut Diagnostics) {
    if first != minor {
        let message = format!("this file has version 3.{minor}, the first one 3.{first}");
        out.push(
            Diagnostic::error("version-mismatch", Span::start_of(file), message)
                .hint("Write the same `version` in all files of the stack, or remove it from all."),
        );
    }
}

/// Docker finds this only while deploying.
fn every_service_has_an_image(compose: &Compose, out: &mut Diagnostics) {
    for service in compose
        .services
        .values()
        .filter(|service| service.image.is_none())
    {
        let message = format!("`services.{}` has no image", service.name);
        out.push(
            Diagnostic::error("missing-image", service.span, message)
                .hint("Add `image:`; a Swarm pulls images, it does not build them."),
        );
    }
}

fn load_file(
    request: &Request<'_>,
    file: FileId,
    sources: &mut Sources,
    out: &mut Diagnostics,
    env_files: &mut EnvFiles,
) -> Option<(Compose, u8)> {
    let root = yaml::parse(sources, file, out)?;
    load_tree(request, file, root, sources, out, env_files)
}

/// The stages behind parsing.
pub(super) fn load_tree(
    request: &Request<'_>,
    file: FileId,
    root: Node,
    sources: &mut Sources,
    out: &mut Diagnostics,
    env_files: &mut EnvFiles,
) -> Option<(Compose, u8)> {
    let Value::Map(top) = &root.value else {
        let message = "a compose file must be a mapping";
        out.push(
            Diagnostic::error("wrong-type", Span::start_of(file), message)
                .hint("Start it with `services:`."),
        );
        return None;
    };
    let minor = version::minor(top, out)?;
    let root = interpolate(root, request.variables, sources, out);
    if let Some(services) = Section::new(&root, Path::top("")).node("services") {
        ignored::report(services, out);
    }
    let level = schema::Level {
        minor,
        compat: request.compat,
    };
    schema::check(&root, &schema::FILE, level, out);
    let mut loading = Loading {
        request,
        sources,
        out,
        file,
        minor,
        env_files,
    };
    Some((sections(&root, &mut loading), minor))
}

fn sections(root: &Node, loading: &mut Loading<'_>) -> Compose {
    let file = Section::new(root, Path::top(""));
    Compose {
        services: objects::entries(&file, "services", loading, service::service),
        networks: objects::entries(&file, "networks", loading, objects::network),
        volumes: objects::entries(&file, "volumes", loading, objects::volume),
        configs: objects::entries(&file, "configs", loading, objects::file_object),
        secrets: objects::entries(&file, "secrets", loading, objects::file_object),
    }
}

/// The env files that were read, by path, so that each is read and reported once.
pub(super) type EnvFiles = BTreeMap<String, Option<FileId>>;

/// What the readers of one file share.
pub(super) struct Loading<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) sources: &'a mut Sources,
    pub(super) out: &'a mut Diagnostics,
    /// The compose file that is being read.
    pub(super) file: FileId,
    /// Its minor version.
    pub(super) minor: u8,
    env_files: &'a mut EnvFiles,
}

impl Loading<'_> {
    /// The variable `name`, for a value written at `span`.
    pub(super) fn variable(&mut self, name: &str, span: Span) -> Option<Text> {
        env_file::variable(name, span, self.request.variables, self.out)
    }

    /// The source text of a scalar.
    pub(super) fn written(&self, node: &Node) -> Option<&str> {
        self.sources
            .marked(node.span)
            .filter(|text| !text.is_empty())
    }

    /// Whether `item`, from a list of names or `name=value`, has no secret in its name.
    ///
    /// Names are shown in plans and messages. What stands in a list is told by its source text.
    pub(super) fn has_public_name(&mut self, item: &Text) -> bool {
        let head = self
            .sources
            .marked(item.span)
            .and_then(|text| text.split('=').next());
        let public = !item.secrets.is_secret()
            || head.is_some_and(|head| !head.is_empty() && !head.contains('$'));
        if !public {
            let message = "a secret flows into a name, and names are shown";
            self.out.push(
                Diagnostic::error("secret-in-name", item.span, message)
                    .hint("Use a variable that is not a secret."),
            );
        }
        public
    }

    /// The content of a config or secret; a problem is reported at `path`.
    pub(super) fn content(&mut self, path: &Text) -> Option<Secret> {
        self.read(path).map(Secret::new)
    }

    /// The env file behind `path`; a problem is reported once.
    pub(super) fn env_file(&mut self, path: &Text) -> Option<FileId> {
        if let Some(known) = self.env_files.get(&path.value) {
            return *known;
        }
        let file = self
            .read(path)
            .and_then(|bytes| self.add_env_file(path, bytes));
        self.env_files.insert(path.value.clone(), file);
        file
    }

    fn add_env_file(&mut self, path: &Text, bytes: Vec<u8>) -> Option<FileId> {
        let Ok(text) = String::from_utf8(bytes) else {
            let message = "this env file is not UTF-8 text";
            self.out.push(
                Diagnostic::error("invalid-env-file", path.span, message).hint("Save it as UTF-8."),
            );
            return None;
        };
        let name = if path.secrets.is_secret() {
            path.secrets.mask()
        } else {
            self.beside(&path.value)
        };
        Some(self.sources.add(name, text))
    }

    /// How a file beside the compose files is shown: as for Docker, beside the first one.
    fn beside(&self, path: &str) -> String {
        let first = self.request.files.first().copied();
        let compose = self
            .sources
            .get(first.unwrap_or(self.file))
            .map_or("", |source| source.name.as_str());
        paths::beside(compose, path)
    }

    fn read(&mut self, path: &Text) -> Option<Vec<u8>> {
        match self.request.read.read(&path.value) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                let message = match self.sources.marked(path.span) {
                    Some(written) if !written.is_empty() => {
                        let plain = written.trim_matches(['\'', '"']);
                        format!("cannot read `{}`: {error}", plain.escape_debug())
                    }
                    _ => format!("cannot read this file: {error}"),
                };
                let mut problem = Diagnostic::error("unreadable-file", path.span, message);
                problem.hint = error.hint();
                self.out.push(problem);
                None
            }
        }
    }
}
