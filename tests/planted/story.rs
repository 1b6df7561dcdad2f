//! What a test program said when it failed, in one line: which test, which seed, what was wrong.

/// The most characters of what was wrong.
const LONGEST: usize = 160;

/// A panic that a test means to happen begins so.
const MEANT: &str = "a planted panic";

/// The first failure.
pub fn story(said: &str) -> String {
    let lines: Vec<&str> = said.lines().map(str::trim_end).collect();
    let failed = blocks(&lines)
        .find_map(|(test, block)| Some((test, wrong(block)?)))
        .or_else(|| Some((none_shown(&lines)?, "fails".to_owned())));
    let seed = lines
        .iter()
        .find_map(|line| line.strip_prefix("seeds ["))
        .and_then(|seeds| seeds.split([',', ']']).next());
    let seed = seed.map_or_else(String::new, |seed| format!(", seed {seed}"));
    match failed {
        Some((test, wrong)) => format!("`{test}`{seed}: {}", cut(&wrong)),
        None => "fails before its tests".to_owned(),
    }
}

/// The tests that do not end: libtest names each after a minute.
pub fn endless(said: &str, minutes: u64) -> String {
    let slow = said
        .lines()
        .filter_map(|line| line.strip_prefix("test ")?.split_once(" has been running"));
    let ended = |test: &str| said.contains(&format!("test {test} ... "));
    let mut tests = slow.map(|(test, _)| test).filter(|test| !ended(test));
    tests.next().map_or_else(
        || format!("does not end within {minutes} minutes"),
        |test| format!("`{test}`: does not end within {minutes} minutes"),
    )
}

/// What each failed test said.
fn blocks<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = (&'a str, &'a [&'a str])> {
    let heads = lines.iter().enumerate();
    let heads = heads.filter_map(|(at, line)| Some((at, head(line)?)));
    heads.map(|(at, test)| {
        let block = lines.get(at + 1..).unwrap_or_default();
        let end = block.iter().position(|line| head(line).is_some());
        (
            test,
            block.get(..end.unwrap_or(block.len())).unwrap_or(block),
        )
    })
}

fn head(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

fn none_shown<'a>(lines: &[&'a str]) -> Option<&'a str> {
    let mut failed = lines.iter().filter_map(|line| {
        let line = line.strip_prefix("test ")?;
        line.strip_suffix(" ... FAILED")
    });
    failed.next()
}

/// The message of the first panic that was not meant.
fn wrong(block: &[&str]) -> Option<String> {
    let panics = block.iter().enumerate();
    let mut panics = panics.filter(|(_, line)| line.contains(" panicked at "));
    panics.find_map(|(at, _)| {
        let message = block.get(at + 1..)?;
        let first = message.first().filter(|first| !first.starts_with(MEANT))?;
        let (_, place) = block.get(at)?.split_once(" panicked at ")?;
        let place = place.trim_end_matches(':');
        if is_of_a_story(first) {
            return Some(format!("fails at {place}"));
        }
        let said = without_lives(&said_by(first, message));
        // Two values that differ say little without the line that compares them.
        let bare = first.starts_with("assertion `") && first.ends_with("` failed");
        Some(if bare {
            format!("{said}, at {place}")
        } else {
            said
        })
    })
}

/// A line of what happened, which begins with its time.
fn is_of_a_story(line: &str) -> bool {
    let first = line.split_whitespace().next();
    first.is_some_and(|time| time.contains('.') && time.parse::<f64>().is_ok())
}

/// How a process of a scenario was set up is left out: what was wrong stands behind it.
fn without_lives(said: &str) -> String {
    let life = said.split_once(", Life {");
    let rest = life.and_then(|(before, life)| Some((before, life.split_once('}')?.1)));
    rest.map_or_else(
        || said.to_owned(),
        |(before, after)| format!("{before}{after}"),
    )
}

fn said_by(first: &str, message: &[&str]) -> String {
    let side = |name: &str| {
        let mut lines = message.iter();
        let side = lines.find_map(|line| line.trim_start().strip_prefix(name));
        side.map(|side| format!("{name} {}", within(side.trim(), LONGEST / 3)))
    };
    if let Some(asserted) = first.strip_prefix("assertion `") {
        let said = asserted.split_once("` failed: ").map(|(_, said)| said);
        let said = said.unwrap_or_default().to_owned();
        let sides = [side("left:"), side("right:")].into_iter().flatten();
        let sides = sides.collect::<Vec<_>>().join(", ");
        return match (said.is_empty(), sides.is_empty()) {
            (true, true) => first.to_owned(),
            (true, false) => sides,
            (false, true) => said,
            (false, false) => format!("{said}; {sides}"),
        };
    }
    if !first.ends_with(['[', '(', '{']) {
        return first.to_owned();
    }
    // A list of what is wrong goes on below.
    let mut lines = message.iter().skip(1).map(|line| line.trim());
    let violation = lines
        .clone()
        .take_while(|line| !line.starts_with(']'))
        .find(|line| line.starts_with('"') && !line.starts_with("\"{") && line.contains(": "));
    if let Some(violation) = violation {
        let what = first.trim_end_matches(['[', ' ']);
        return format!("{what} {}", violation.trim_matches(['"', ',']));
    }
    let more: Vec<&str> = lines.by_ref().take(12).collect();
    format!("{first} {}", more.join(" "))
}

fn cut(text: &str) -> String {
    within(text.trim(), LONGEST)
}

/// So many characters at most, and whole words where there are any.
fn within(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let short: String = text.chars().take(longest - 1).collect();
    let whole = short.rfind(' ').filter(|at| *at > short.len() / 2);
    let short = whole.and_then(|at| short.get(..at)).unwrap_or(&short);
    format!("{}…", short.trim_end_matches([' ', ',', ';', ':', '…']))
}
