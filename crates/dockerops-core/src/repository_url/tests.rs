//! Which URLs are accepted, which are the same, and who gets the token.

use proptest::prelude::*;

use super::*;

fn url(text: &str) -> RepositoryUrl {
    RepositoryUrl::parse(text).unwrap()
}

#[test]
fn accepted_urls_and_what_git_and_the_tables_get() {
    let shown: Vec<String> = [
        "https://github.com/user/repo",
        "github.com/user/repo",
        "HTTPS://GitHub.com:443/user/repo.git/",
        "http://127.0.0.1:8080/repo.git",
        "ssh://git@Host:2222/team/repo.git",
        "git@host:team/repo.git",
        "git@host:/srv/repo",
        "git@[::1]:repo",
        "https://[::1]:8443/repo",
        "file:///srv/git/my repo.git/",
        "file:///srv/app/.git",
    ]
    .iter()
    .map(|text| format!("{} = {}", url(text).fetch_url(), url(text).normalised()))
    .collect();
    insta::assert_snapshot!(shown.join("\n"), @"
    https://github.com/user/repo = https://github.com/user/repo
    https://github.com/user/repo = https://github.com/user/repo
    https://github.com/user/repo.git = https://github.com/user/repo
    http://127.0.0.1:8080/repo.git = http://127.0.0.1:8080/repo
    ssh://git@host:2222/team/repo.git = ssh://git@host:2222/team/repo
    git@host:team/repo.git = ssh://git@host/team/repo
    git@host:/srv/repo = ssh://git@host/srv/repo
    git@[::1]:repo = ssh://git@[::1]/repo
    https://[::1]:8443/repo = https://[::1]:8443/repo
    file:///srv/git/my repo.git = file:///srv/git/my repo
    file:///srv/app/.git = file:///srv/app
    ");
}

#[test]
fn the_url_is_kept_as_given() {
    assert_eq!(url(" GitHub.com/u/r.git ").as_given(), "GitHub.com/u/r.git");
}

#[test]
fn different_repositories_stay_different() {
    let base = url("https://github.com/user/repo").normalised();
    for other in [
        "https://github.com/User/repo",
        "https://github.com/user/repo2",
        "http://github.com/user/repo",
        "https://github.com:444/user/repo",
        "https://gitlab.com/user/repo",
    ] {
        assert_ne!(url(other).normalised(), base, "{other}");
    }
}

#[test]
fn what_is_refused_and_why() {
    let shown: Vec<String> = [
        "",
        "--upload-pack=touch pwned",
        "ext::sh -c 'touch pwned'",
        "git://host/repo",
        "https://host/a\nb",
        "https://host/a%0ab",
        "https://host",
        "https:///path",
        "https://-oProxyCommand=x/path",
        "ssh://-oProxyCommand=x/path",
        "ssh://-l@host/path",
        "https://host:99999/path",
        "git@host",
        "git@host:",
        "git@-host:x",
        "/srv/repo",
        "../repo",
        "repo",
        "file://host/srv",
        "https://host/repo?private_token=hunter2",
    ]
    .iter()
    .map(|text| RepositoryUrl::parse(text).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn credentials_are_refused_with_a_hint_and_never_repeated() {
    for text in [
        "https://user:hunter2@host/repo",
        "https://hunter2@github.com/u/r",
        "http://user:hunter2@127.0.0.1/repo",
        "https://user:hun/ter2@host/repo",
        "ssh://git:hunter2@host/repo",
        "git:hunter2@host:repo",
        "user:hunter2@github.com/u/r",
    ] {
        let error = RepositoryUrl::parse(text).unwrap_err();
        assert_eq!(error, InvalidUrl::Credentials, "{text}");
        assert!(error.hint().unwrap().contains("GITHUB_TOKEN"));
    }
    for text in ["ftp://u:hunter2@h/x", "https://host/x?t=hunter2"] {
        let error = RepositoryUrl::parse(text).unwrap_err();
        assert!(!format!("{error} {error:?} {:?}", error.hint()).contains("hunter2"));
    }
}

#[test]
fn the_token_goes_to_github_and_named_hosts_over_protected_lines_only() {
    let extra = [
        "ghe.example.com".to_owned(),
        "127.0.0.1:8080".to_owned(),
        "h:443".to_owned(),
    ];
    for yes in [
        "https://github.com/u/r",
        "github.com/u/r",
        "https://api.GITHUB.com/u/r",
        "https://ghe.example.com:8443/u/r",
        "http://127.0.0.1:8080/u/r",
        "https://h/u/r",
    ] {
        assert!(url(yes).may_receive_token(&extra), "{yes}");
    }
    for no in [
        "http://github.com/u/r",
        "https://github.com:8443/u/r",
        "https://notgithub.com/u/r",
        "https://github.com.evil.example/u/r",
        "http://ghe.example.com/u/r",
        "http://127.0.0.1:8081/u/r",
        "http://127.0.0.1.evil.example:8080/u/r",
        "git@github.com:u/r",
        "file:///github.com/u/r",
    ] {
        assert!(!url(no).may_receive_token(&extra), "{no}");
    }
}

proptest! {
    #[test]
    fn what_git_gets_is_never_a_flag_or_a_command(text in "[-a-z.:/@\\[\\]?#% ]{0,24}|(ext|ssh|https|file)(::|://)[-a-z.:/@ ]{0,16}") {
        if let Ok(url) = RepositoryUrl::parse(&text) {
            let fetch = url.fetch_url();
            let safe = ["https://", "http://", "ssh://", "file:///"].iter().any(|s| fetch.starts_with(s))
                || fetch.split_once('@').is_some_and(|(user, rest)| !user.starts_with('-') && !rest.starts_with('-') && !user.contains(':'));
            prop_assert!(safe, "{fetch}");
            prop_assert!(!url.host().starts_with('-'));
        }
    }

    #[test]
    fn normalising_twice_changes_nothing(text in "(https|ssh)://[a-z]{1,5}(:[1-9][0-9]{1,3})?/[a-z/.]{1,12}") {
        if let Ok(url) = RepositoryUrl::parse(&text) {
            let once = url.normalised();
            if let Ok(again) = RepositoryUrl::parse(&once.0) {
                prop_assert_eq!(again.normalised().0, once.0);
            }
        }
    }
}

#[test]
fn who_cloned_a_checkout_over_http_does_not_count() {
    let owner = |text| RepositoryUrl::of_checkout(text).map(|url| url.normalised().0);
    let plain = Ok("https://git.example.org/a/b".to_owned());
    assert_eq!(
        owner("https://gitlab-ci-token:s3cret@git.example.org/a/b.git"),
        plain
    );
    assert_eq!(owner("https://s3cret@git.example.org/a/b"), plain);
    assert_eq!(owner("https://git.example.org/a/b"), plain);
    let ssh = Ok("ssh://git@git.example.org/a/b".to_owned());
    assert_eq!(owner("git@git.example.org:a/b.git"), ssh);
    assert_eq!(
        owner("ssh://git:s3cret@git.example.org/a/b"),
        Err(InvalidUrl::Credentials)
    );
}

#[test]
fn what_an_earlier_tool_kept_is_shown_without_its_credentials() {
    for (kept, shown) in [
        (
            "https://bob:pass@h.example/r.git",
            "https://…@h.example/r.git",
        ),
        ("https://token@h.example/r", "https://…@h.example/r"),
        ("ssh://git:pass@h.example/r", "ssh://…@h.example/r"),
        ("https://h.example/r?token=x", "https://h.example/r?…"),
        ("ssh://git@h.example/r", "ssh://git@h.example/r"),
        ("git@h.example:r.git", "git@h.example:r.git"),
        ("https://h.example/r", "https://h.example/r"),
        ("not a url at all", "not a url at all"),
    ] {
        assert_eq!(without_credentials(kept), shown);
        assert_eq!(without_credentials(shown), shown, "whoever copies it");
    }
}
