//! What the Swarm does not allow.

use super::{Code, Group};

pub(super) const GROUP: Group = Group {
    title: "Plans",
    about: "What is found only when the desired state is compared with the Swarm.",
    codes: &[
        Code::new(
            401,
            "foreign-stack",
            "A stack of this name is not ours.",
            "Something else, or another repository, deployed it.",
            "Take it over with `--adopt`, or give the stack another name.",
        ),
        Code::new(
            402,
            "foreign-service",
            "A service of this name is not ours.",
            "Something else, or another repository, deployed it.",
            "Take it over with `--adopt`, or remove it first.",
        ),
        Code::new(
            403,
            "volume-change",
            "A running service would get another volume.",
            "Its data would stay behind in the old one.",
            "Name the volume that runs, or allow it with `--allow-volume-change`.",
        ),
        Code::new(
            404,
            "port-in-use",
            "Another service publishes this port.",
            "It is not part of this stack.",
            "Publish another port, or remove the other service first.",
        ),
        Code::new(
            405,
            "bad-image",
            "An image name cannot be read.",
            "It is malformed.",
            "Correct it.",
        ),
        Code::new(
            406,
            "unresolved-image",
            "The digest of an image is not known.",
            "Its registry did not say.",
            "Make the registry reachable, with credentials where it wants them.",
        ),
        Code::new(
            407,
            "external-network-missing",
            "An external network does not exist.",
            "Nobody created it, or it is not of the Swarm.",
            "Create it with `docker network create --driver overlay`.",
        ),
        Code::new(
            408,
            "network-taken",
            "A network of this name is not the stack's.",
            "Somebody else created it.",
            "Declare it as `external: true`, or give this one another name.",
        ),
        Code::new(
            409,
            "external-file-missing",
            "An external config or secret does not exist.",
            "Nobody created it.",
            "Create it with `docker config create` or `docker secret create`.",
        ),
        Code::new(
            410,
            "name-taken",
            "The name of a new config or secret is taken.",
            "An object that is not ours has it.",
            "Remove that object, or give this one another `name`.",
        ),
    ],
};
