//! Which findings are wanted.

use super::Finding;
use crate::manifest::LintOff;
use crate::names::StackName;

/// `findings` without those that `lints.yaml` turns off.
pub fn without(findings: Vec<Finding>, off: &[LintOff]) -> Vec<Finding> {
    let wanted = |finding: &Finding| !off.iter().any(|off| turns_off(off, finding));
    findings.into_iter().filter(wanted).collect()
}

/// Without `stack`, a lint is off everywhere.
fn turns_off(off: &LintOff, finding: &Finding) -> bool {
    let about = finding.stack.as_ref().map(StackName::as_str);
    off.lint == finding.diagnostic.code
        && off
            .stack
            .as_ref()
            .is_none_or(|stack| about == Some(stack.value.as_str()))
}
