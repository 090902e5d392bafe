//! The help of the program: subcommands in groups, and examples below those of each.

use clap::{Command, CommandFactory as _};

use super::arguments::Cli;

/// Groups of subcommands in the order in which somebody needs them.
const GROUPS: [(&str, &[&str]); 5] = [
    ("Ask", &["check", "report", "inventory", "fleet"]),
    ("Look closer", &["inspect", "diff", "repository", "explain", "facts"]),
    ("Settle a finding", &["fix", "waive", "baseline", "pin"]),
    ("Set up", &["init", "db", "repos"]),
    ("Rules and this program", &["rules", "completions", "man"]),
];

/// What can be typed, by subcommand.
const EXAMPLES: [(&str, &str); 18] = [
    (
        "check",
        "cargo custody check\n  cargo custody check --since origin/main --format github\n  \
         cargo custody check --format html=custody.html --format sarif=custody.sarif\n  \
         cargo custody check models/ --fail-on medium",
    ),
    ("report", "cargo custody report\n  cargo custody report --format html=hands.html"),
    ("inventory", "cargo custody inventory --json"),
    (
        "fleet",
        "cargo custody fleet repos.txt --out audits\n  cargo custody fleet who serde --out audits",
    ),
    (
        "inspect",
        "cargo custody inspect serde@1.0.228\n  cargo custody inspect model.pt --fail-on high\n  \
         cargo custody inspect liblzma-sys@0.3.2 --format html=look.html",
    ),
    (
        "diff",
        "cargo custody diff liblzma-sys 0.3.0 0.3.1\n  cargo custody diff ort-sys 2.0.0-rc.13 2.0.0-rc.15 --patch\n  \
         cargo custody diff ort-sys 2.0.0-rc.13 2.0.0-rc.15 --format html=diff.html",
    ),
    ("explain", "cargo custody explain known-bad-file\n  cargo custody explain score"),
    ("facts", "cargo custody facts serde@1.0.228\n  cat crates.txt | cargo custody facts --stdin"),
    ("fix", "cargo custody fix --dry-run\n  cargo custody fix"),
    (
        "waive",
        "cargo custody waive build-download-verified ort-sys --reason \"read by ana\" --expires 2027-05-31",
    ),
    ("baseline", "cargo custody baseline --reason \"before we had a gate\""),
    (
        "pin",
        "cargo custody pin\n  cargo custody pin --update serde --reason \"new owner is known to us\"",
    ),
    ("init", "cargo custody init\n  cargo custody init --workflow github"),
    ("db", "cargo custody db update\n  cargo custody db slim -o custody.slim"),
    ("repos", "cargo custody repos fetch\n  cargo custody check --repos auto"),
    ("rules", "cargo custody rules\n  cargo custody rules --test --rules custody-rules"),
    (
        "completions",
        "cargo custody completions bash > ~/.cargo-custody.bash\n    \
         and in ~/.bashrc: source ~/.cargo-custody.bash\n  \
         cargo custody completions zsh > ~/.zsh/_cargo-custody\n    \
         and in ~/.zshrc, before compinit: fpath=(~/.zsh $fpath)\n  \
         cargo custody completions fish > ~/.config/fish/conf.d/cargo-custody.fish",
    ),
    ("man", "cargo custody man ~/.local/share/man/man1"),
];

/// The command line with its help in groups.
pub fn command() -> Command {
    let mut command = Cli::command();
    for (name, examples) in EXAMPLES {
        command =
            command.mut_subcommand(name, |one| one.after_help(format!("Examples:\n  {examples}")));
    }
    let groups = groups(&command);
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} cargo custody [COMMAND] [OPTIONS]\n\n{groups}\n\
         Without a command it is `check`; every command has options: COMMAND --help.\n\
         {{after-help}}"
    ))
}

fn groups(command: &Command) -> String {
    let mut out = String::new();
    for (title, names) in GROUPS {
        out.push_str(title);
        out.push_str(":\n");
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            // Curly brackets would be placeholders.
            let about = about.replace(['{', '}'], "");
            let lines = crate::reporter::wrapped(&about, 64);
            for (at, line) in lines.iter().enumerate() {
                let name = if at == 0 { *name } else { "" };
                out.push_str(format!("  {name:<13} {line}").trim_end());
                out.push('\n');
            }
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_subcommand_is_in_one_group_and_has_an_example_that_parses() {
        let command = command();
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        let mut all: Vec<&str> = command.get_subcommands().map(Command::get_name).collect();
        grouped.sort_unstable();
        all.sort_unstable();
        assert_eq!(grouped, all);
        for (name, examples) in EXAMPLES {
            for line in examples.lines().filter_map(|line| line.split("cargo custody ").nth(1)) {
                let words = line.split('>').next().unwrap_or(line);
                let quoted = words.split('"').enumerate().flat_map(|(at, part)| {
                    if at % 2 == 1 {
                        vec![part.to_owned()]
                    } else {
                        part.split_whitespace().map(str::to_owned).collect()
                    }
                });
                let words = std::iter::once("cargo-custody".to_owned()).chain(quoted);
                let parsed = super::command().try_get_matches_from(words);
                assert!(parsed.is_ok(), "{name}: {line}: {parsed:?}");
            }
        }
    }

    #[test]
    fn the_help_has_groups_and_fits_80_columns() {
        let help = command().term_width(80).render_help().to_string();
        for word in ["Settle a finding:", "  waive ", "Examples:", "Exit codes:"] {
            assert!(help.contains(word), "{word}: {help}");
        }
        assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
        assert!(help.lines().count() < 70, "{}", help.lines().count());
    }

    #[test]
    fn common_flags_stand_after_every_subcommand() {
        for line in [
            "check . --offline",
            "explain score --offline --quiet",
            "db update --cache-dir x --offline",
            "db --offline status",
            "repos fetch --cache-dir x",
            "init --quiet",
            "rules --color never",
            "fleet who serde --out x --quiet",
        ] {
            let words = format!("cargo-custody {line}");
            let parsed = command().try_get_matches_from(words.split(' '));
            assert!(parsed.is_ok(), "{line}: {parsed:?}");
        }
    }

    #[test]
    fn a_flag_of_check_is_heard_whatever_stands_around_it() {
        use clap::FromArgMatches as _;
        let words = ["cargo-custody", "check", "--offline", "--api-budget", "3s"];
        let matches = command().try_get_matches_from(words).unwrap();
        let cli = Cli::from_arg_matches(&matches).unwrap();
        let Some(super::super::arguments::Command::Check(check)) = cli.command else { panic!() };
        assert!(check.common.offline);
        assert_eq!(check.common.api_budget.as_secs(), 3);
    }
}
