//! Bodies of several parts, as forms with files send them (RFC 7578).

/// One field of such a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part<'b> {
    pub(crate) name: String,
    pub(crate) file_name: Option<String>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: &'b [u8],
}

/// The parts of a body with this content type; none when it is no such form, or a broken one.
pub(crate) fn parse<'b>(content_type: &str, body: &'b [u8]) -> Option<Vec<Part<'b>>> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let delimiter = format!("--{}", parameter(parameters, "boundary")?);
    let mut rest = body.get(find(body, delimiter.as_bytes())? + delimiter.len()..)?;
    let delimiter = format!("\r\n{delimiter}");
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let start = rest.strip_prefix(b"\r\n")?;
        let end = find(start, delimiter.as_bytes())?;
        parts.push(part(&start[..end])?);
        rest = &start[end + delimiter.len()..];
    }
    Some(parts)
}

fn part(bytes: &[u8]) -> Option<Part<'_>> {
    let split = find(bytes, b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..split]).ok()?;
    let header = |wanted: &str| {
        let mut lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let disposition = header("content-disposition")?;
    Some(Part {
        name: parameter(disposition, "name")?,
        file_name: parameter(disposition, "filename"),
        content_type: header("content-type").map(str::to_owned),
        body: &bytes[split + 4..],
    })
}

/// The value of `name=value` or `name="value"`; semicolons inside quotes do not part.
fn parameter(header: &str, name: &str) -> Option<String> {
    let mut quoted = false;
    let parts = header.split(|character| {
        quoted ^= character == '"';
        character == ';' && !quoted
    });
    let found = parts.filter_map(|part| part.split_once('=')).find(|(key, _)| key.trim() == name);
    found.map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TYPE: &str = "multipart/form-data; boundary=\"x y\"";

    #[test]
    fn fields_and_files_come_apart() {
        let body = b"--x y\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nassistant\r\n--x y\r\n\
            content-disposition: form-data; name=\"file\"; filename=\"a;b.txt\"\r\nContent-Type: text/plain\r\n\
            \r\none\r\n--x\r\ntwo\r\n--x y--\r\n";
        let parts = parse(TYPE, body).unwrap();
        assert_eq!((parts[0].name.as_str(), parts[0].body), ("purpose", b"assistant".as_slice()));
        let file = &parts[1];
        assert_eq!((file.name.as_str(), file.file_name.as_deref()), ("file", Some("a;b.txt")));
        assert_eq!(file.content_type.as_deref(), Some("text/plain"));
        assert_eq!(file.body, b"one\r\n--x\r\ntwo");
    }

    #[test]
    fn broken_forms_are_none() {
        for (kind, body) in [
            ("application/json", "--x y\r\n"),
            ("multipart/form-data", "--x y--"),
            (TYPE, ""),
            (TYPE, "--x y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nnever ends"),
            (TYPE, "--x y\r\nno head\r\n--x y--"),
        ] {
            assert_eq!(parse(kind, body.as_bytes()), None, "{kind} {body}");
        }
    }
}
