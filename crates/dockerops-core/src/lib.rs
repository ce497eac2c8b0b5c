//! What DockerOps decides: repository files → specs → plan → health → recovery.
//!
//! Everything here is a plain function from plain values to plain values. The
//! crate reads no file, no clock, no environment and no network, and nothing in
//! it is async; `clippy.toml` beside this crate refuses such calls.
//!
//! One reconcile, as far as it is decided here:
//!
//! ```text
//! files → Manifest, Compose          (manifest, yaml, compose)
//! Compose + volumes + secrets → StackSpec             (spec)
//! StackSpec + Observed → Plan                         (plan)
//! tasks + update status → Health                      (health)
//! what did not get well → Recovery                    (recovery)
//! ```

pub mod bindings;
pub mod body;
pub mod checkup;
pub mod codes;
pub mod compose;
pub mod credentials;
mod cycle;
pub mod decode;
pub mod departed;
pub mod diagnostic;
pub mod duration;
pub mod field;
pub mod fingerprint;
pub mod health;
pub mod hex;
pub mod image;
pub mod image_counts;
pub mod lint;
pub mod manifest;
pub mod mode;
pub mod names;
pub mod observed;
pub mod order;
pub mod placement;
pub mod plan;
pub mod recovery;
pub mod report;
pub mod repository_url;
pub mod revision;
pub mod saved_plan;
pub mod secret;
mod secret_words;
pub mod source;
pub mod spec;
pub mod status;
pub mod yaml;
