//! Deploys that are killed: ten of what `./dev chaos` does, at the same moments every time.

use std::process::Command;

use dockerops_lab::{Lab, SHARED, process, program};

#[test]
fn a_deploy_that_is_killed_anywhere_ends_with_the_next_run_as_if_it_had_not_been() {
    let lab = Lab::shared().unwrap();
    let mut chaos = Command::new(program("dockerops-lab").unwrap());
    chaos.args(["chaos", "--kills", "10", "--seed", "3"]);
    chaos.env(SHARED, &lab.layout().folder);
    let said = process::output(&mut chaos).unwrap();
    assert!(said.starts_with("10 kills"), "{said}");
}
