//! `dockerops debug-cache`: the watched repositories and their last watch.

use std::fmt::Write;

use dockerops_core::report::Problem;
use serde_json::json;

use super::output::Output;
use super::{Exit, session};

/// Show the watched repositories and their last watch
#[derive(Debug, clap::Args)]
pub(super) struct DebugCacheArgs {}

pub(super) fn run(_: &DebugCacheArgs, out: &mut Output) -> Result<Exit, Problem> {
    let store = session::store(&session::settings(out)?)?;
    let rows = store.repositories()?;
    let mut text = format!("database: {}\n", store.path().display());
    for row in &rows {
        let _ = writeln!(text, "{}  last watch {}", row.url, row.last_watch);
    }
    if rows.is_empty() {
        text.push_str("no repository is watched\n");
    }
    let repositories: Vec<_> = rows
        .iter()
        .map(|row| json!({"url": row.url, "last_watch": row.last_watch}))
        .collect();
    out.answer(
        &text,
        json!({"database": store.path(), "repositories": repositories}),
    );
    Ok(Exit::Ok)
}
