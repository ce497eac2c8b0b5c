//! Lints of `dockerops validate`.

use super::{Code, Group};

pub(super) const GROUP: Group = Group {
    title: "Lints",
    about: "Warnings of `dockerops validate` about what works but is probably not meant. `lints.yaml` and `--allow` turn them off by name.",
    codes: &[
        Code::new(
            501,
            "unused-volume",
            "No stack mounts an id of `volumes.yaml`.",
            "It is left over, or a compose file misspells it.",
            "Mount it, or remove it.",
        ),
        Code::new(
            502,
            "unused-secret",
            "Nothing of the stack uses an entry of `secrets.yaml`.",
            "No value holds `${NAME}`, and no `environment` passes it through.",
            "Use the variable, or remove the entry.",
        ),
        Code::new(
            503,
            "unused-declaration",
            "No service uses a network, volume, config or secret of the compose file.",
            "It is left over, or a service misspells it.",
            "Use it, or remove it.",
        ),
        Code::new(
            504,
            "secret-in-clear",
            "A password or key stands in the file.",
            "Everybody who reads the repository reads it, also after it was removed from the newest revision. The value is not repeated here.",
            "Change it, and bring the new value in by `secrets.yaml`, or as a Docker secret with `<NAME>_FILE`.",
        ),
        Code::new(
            505,
            "secret-file-in-repository",
            "The content of a Docker secret is a file of the repository.",
            "Everybody who reads the repository reads it.",
            "Create the secret by hand and write `external: true`, or use `secrets.yaml`.",
        ),
        Code::new(
            506,
            "secret-path-not-mounted",
            "A value names a file below `/run/secrets/` that the service does not mount.",
            "The program will not find its secret.",
            "Add it to the `secrets` of the service, or correct the name.",
        ),
        Code::new(
            507,
            "latest-tag",
            "An image has no tag, or `latest`.",
            "Nobody can say which version runs, nor go back to it.",
            "Write a version or a digest.",
        ),
        Code::new(
            508,
            "port-published-twice",
            "Two stacks publish one port.",
            "In the routing mesh Swarm refuses the second. Ports of hosts collide only where both run on one node.",
            "Publish another port.",
        ),
        Code::new(
            509,
            "start-first-without-healthcheck",
            "An update starts new tasks first without knowing when they are ready.",
            "Without a healthcheck a task counts as ready as soon as it runs, so the old one stops too early.",
            "Add a `healthcheck`, unless the image brings one.",
        ),
        Code::new(
            510,
            "start-first-host-port",
            "An update starts new tasks first, and they need a port that the old ones hold.",
            "A port of the host is free only when the old task has stopped.",
            "Use `order: stop-first`, or publish the port in the routing mesh.",
        ),
        Code::new(
            511,
            "service-label-on-containers",
            "A label that is read from services is on the containers.",
            "Traefik and swarm-cronjob read the labels of services: those under `deploy.labels`.",
            "Move it to `deploy.labels`.",
        ),
        Code::new(
            512,
            "reservation-over-limit",
            "A service reserves more than it may use.",
            "The rest of the reservation is kept free for nobody.",
            "Raise the limit, or reserve less.",
        ),
        Code::new(
            513,
            "binding-without-files",
            "Nothing is in the repository where a binding says.",
            "Containers would find an empty folder. Git keeps no empty folders, so a folder for what containers write wants a file, too.",
            "Correct the path, or add the files; `.gitkeep` does for an empty folder.",
        ),
    ],
};
