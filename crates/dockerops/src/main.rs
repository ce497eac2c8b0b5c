//! The `dockerops` binary.

fn main() {}
