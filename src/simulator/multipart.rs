//! The fields of a multipart form, as the vendor's guide and its PowerShell SDK send a token
//! request. No IO.
//!
//! Only what such a form needs: texts with names, in a body of bounded size. A form that is broken
//! has no fields at all, so the token endpoint refuses it as it refuses an empty one.

use crate::request::Query;

const LARGEST_BODY: usize = 64 * 1024;
const MOST_PARTS: usize = 32;
/// The limit of RFC 2046.
const LONGEST_BOUNDARY: usize = 70;

/// The fields in a body of that content type; none if it is no multipart form.
pub(crate) fn fields(content_type: &str, body: &[u8]) -> Option<Query> {
    if !is(content_type, "multipart/form-data") {
        return None;
    }
    let boundary = parameter(content_type, "boundary");
    Some(
        boundary
            .and_then(|boundary| parts(&boundary, body))
            .unwrap_or_default(),
    )
}

/// All parts by name; none if one of them is broken or the end is missing.
fn parts(boundary: &str, body: &[u8]) -> Option<Query> {
    let sound = (1..=LONGEST_BOUNDARY).contains(&boundary.len()) && body.len() <= LARGEST_BODY;
    // The line break before a boundary belongs to the boundary; the first boundary may lack it.
    let body = sound.then(|| [b"\r\n", body].concat())?;
    let delimiter = format!("\r\n--{boundary}").into_bytes();
    let (_, mut rest) = cut(&body, &delimiter)?;
    let mut found = Vec::new();
    while !rest.starts_with(b"--") {
        let (padding, begun) = cut(rest, b"\r\n")?;
        let (part, after) = cut(begun, &delimiter)?;
        if !padding.trim_ascii().is_empty() || found.len() == MOST_PARTS {
            return None;
        }
        found.push(field(part)?);
        rest = after;
    }
    Some(found.into_iter().collect())
}

/// A part's name and text.
fn field(part: &[u8]) -> Option<(String, String)> {
    let (head, text) = cut(part, b"\r\n\r\n")?;
    let head = str::from_utf8(head).ok()?;
    let mut headers = head.split("\r\n").filter_map(|line| line.split_once(':'));
    let (_, value) =
        headers.find(|(name, _)| name.trim().eq_ignore_ascii_case("content-disposition"))?;
    let name = is(value, "form-data").then(|| parameter(value, "name"))??;
    Some((name, str::from_utf8(text).ok()?.to_owned()))
}

fn is(header: &str, wanted: &str) -> bool {
    let essence = header.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case(wanted)
}

/// A parameter of a header's value: a token, or a quoted text that may hold semicolons.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let (_, mut rest) = header.split_once(';')?;
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after.trim_start())?;
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after.trim_start().strip_prefix(';')?;
    }
}

/// The value at the start of a text, and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (token, _) = text.split_once(';').unwrap_or((text, ""));
        return Some((token.trim().to_owned(), &text[token.len()..]));
    };
    let mut out = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((out, &quoted[at + 1..])),
            '\\' => out.push(letters.next()?.1),
            _ => out.push(letter),
        }
    }
    None
}

/// What is before and after the first occurrence of `at`.
fn cut<'a>(text: &'a [u8], at: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let begin = text.windows(at.len()).position(|window| window == at)?;
    Some((&text[..begin], &text[begin + at.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=XyZ";

    fn one(head: &str, text: &str) -> String {
        format!("--XyZ\r\n{head}\r\n\r\n{text}\r\n--XyZ--\r\n")
    }

    #[test]
    fn a_form_as_curl_writes_it_is_read() {
        let part = |name: &str, text: &str| {
            let head = format!("Content-Disposition: form-data; name=\"{name}\"");
            format!("------9f\r\n{head}\r\n\r\n{text}\r\n")
        };
        let all = [
            part("grant_type", "client_credentials"),
            part("client_id", "id"),
            part("client_secret", "a\r\nb--9f\r\n\r\n=&%20"),
            part("empty", ""),
        ];
        let body = format!("{}------9f--\r\n", all.concat());
        let form = fields("Multipart/Form-Data; boundary=----9f", body.as_bytes()).unwrap();
        assert_eq!(form.value("grant_type"), Some("client_credentials"));
        assert_eq!(form.value("client_id"), Some("id"));
        assert_eq!(form.value("client_secret"), Some("a\r\nb--9f\r\n\r\n=&%20"));
        assert_eq!(form.value("empty"), Some(""));
    }

    #[test]
    fn a_form_as_powershell_writes_it_is_read() {
        let head = "Content-Type: text/plain; charset=utf-8\r\n\
                    content-disposition: form-data; name=client_id";
        let body = one(head, "id").replace("XyZ", "a;b\"c");
        let quoted = r#"multipart/form-data; charset=utf-8; boundary="a;b\"c""#;
        assert_eq!(
            fields(quoted, body.as_bytes()).unwrap().value("client_id"),
            Some("id")
        );
    }

    #[test]
    fn text_around_the_parts_is_skipped() {
        let head = "Content-Disposition: form-data; filename=\"a;name=b\"; name=\"x\"";
        let body = format!("before\r\n{}after", one(head, "1"));
        assert_eq!(fields(TYPE, body.as_bytes()).unwrap().value("x"), Some("1"));
    }

    #[test]
    fn a_broken_form_has_no_fields() {
        let good = one("Content-Disposition: form-data; name=x", "1");
        assert_eq!(fields(TYPE, good.as_bytes()).unwrap().value("x"), Some("1"));
        let part = good.trim_end_matches("--XyZ--\r\n");
        let many = |count| format!("{}--XyZ--\r\n", part.repeat(count));
        let most = fields(TYPE, many(MOST_PARTS).as_bytes()).unwrap();
        assert_eq!(most.value("x"), Some("1"));
        for (content_type, body) in [
            ("multipart/form-data", good.clone()),
            ("multipart/form-data; boundary=", good.clone()),
            ("multipart/form-data; boundary=\"XyZ", good.clone()),
            (TYPE, String::new()),
            (TYPE, good.replace("--XyZ--", "")),
            (TYPE, good.replace("\r\n\r\n", "\r\n")),
            (TYPE, good.replace("--XyZ\r\n", "--XyZA\r\n")),
            (TYPE, good.replace("Disposition", "Position")),
            (TYPE, good.replace("form-data", "attachment")),
            (TYPE, good.replace("name=x", "nom=x")),
            (TYPE, good.replace('1', &"1".repeat(LARGEST_BODY))),
            (TYPE, many(MOST_PARTS + 1)),
        ] {
            let form = fields(content_type, body.as_bytes());
            assert_eq!(form, Some(Query::default()), "{content_type} {body}");
        }
        let long = "b".repeat(LONGEST_BOUNDARY + 1);
        let content_type = TYPE.replace("XyZ", &long);
        let form = fields(&content_type, good.replace("XyZ", &long).as_bytes());
        assert_eq!(form, Some(Query::default()));
        let not_text = [good.as_bytes(), &[0xff]].concat();
        assert_eq!(fields(TYPE, &not_text).unwrap().value("x"), Some("1"));
        assert_eq!(fields("application/x-www-form-urlencoded", b"x=1"), None);
    }
}
