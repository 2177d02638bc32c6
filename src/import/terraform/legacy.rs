//! Commas of Terraform 0.11, where one could stand behind an argument, and several arguments on one line.
//! Knows just enough of the language to tell blocks from objects, and both from texts and comments.

/// What the bytes around a place belong to.
enum Inside {
    /// A block, from its brace on; whether commas separate its arguments.
    Block(usize, bool),
    /// An object, a list, the arguments of a function, or what a text refers to: commas have a meaning there.
    Expression,
    Text,
}

/// The text with line ends in the place of commas between arguments; `None` where there are none. No byte moves.
pub(super) fn without_commas(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let (mut stack, mut at, mut before) = (Vec::<Inside>::new(), 0, b'\n');
    while let Some(&byte) = bytes.get(at) {
        if matches!(stack.last(), Some(Inside::Text)) {
            at += match &bytes[at..] {
                [b'\\', ..] => 2,
                [b'$' | b'%', second, b'{', ..] if *second == byte => 3,
                [b'$' | b'%', b'{', ..] => {
                    stack.push(Inside::Expression);
                    2
                }
                [b'"', ..] => {
                    stack.pop();
                    before = b'"';
                    1
                }
                _ => 1,
            };
            continue;
        }
        let skipped = aside(text, at);
        if skipped > 0 {
            at += skipped;
            continue;
        }
        match byte {
            b'"' => stack.push(Inside::Text),
            b'[' | b'(' => stack.push(Inside::Expression),
            b'{' => {
                let of_a_block = !matches!(stack.last(), Some(Inside::Expression))
                    && (before.is_ascii_alphanumeric() || matches!(before, b'_' | b'-' | b'"'));
                stack.push(if of_a_block { Inside::Block(at, false) } else { Inside::Expression });
            }
            b'}' | b']' | b')' => {
                if let Some(Inside::Block(start, true)) = stack.pop() {
                    // The arguments of a block stand on lines of their own.
                    for edge in [start + 1, at - 1] {
                        if out[edge] == b' ' {
                            out[edge] = b'\n';
                        }
                    }
                }
            }
            b',' => match stack.last_mut() {
                None => out[at] = b'\n',
                Some(Inside::Block(_, commas)) => {
                    *commas = true;
                    out[at] = b'\n';
                }
                Some(_) => {}
            },
            _ => {}
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
        at += 1;
    }
    String::from_utf8(out).ok().filter(|plain| plain != text)
}

/// How long a comment or a heredoc is that begins here.
fn aside(text: &str, at: usize) -> usize {
    let Some(rest) = text.get(at..) else { return 0 };
    let line = || rest.find('\n').unwrap_or(rest.len());
    if rest.starts_with('#') || rest.starts_with("//") {
        return line();
    }
    if rest.starts_with("/*") {
        return rest.find("*/").map_or(rest.len(), |end| end + 2);
    }
    let Some(heredoc) = rest.strip_prefix("<<") else { return 0 };
    let end = heredoc.lines().next().unwrap_or_default().trim_start_matches('-').trim();
    if end.is_empty() || !end.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)) {
        return 0;
    }
    let mut length = line();
    for line in rest.get(length..).unwrap_or_default().split_inclusive('\n') {
        length += line.len();
        if line.trim() == end {
            // The line end belongs to what follows.
            return length - (line.len() - line.trim_end_matches(['\n', '\r']).len());
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::without_commas;

    #[test]
    fn only_commas_between_arguments_go() {
        let text = "a \"b\" {\n  x = \"1, ${f(\"p,q\", 2)}\",\n  y = [1, 2], # a, b\n  z = { k = 1, l = 2, },\n  \
                    t = <<E\n1,\nE\n  c { m = 1, n = 2 }\n}\nv = 1,\n/* , */ é = \"\\\",$${,\"";
        let plain = without_commas(text).unwrap();
        assert_eq!(
            plain,
            "a \"b\" {\n  x = \"1, ${f(\"p,q\", 2)}\"\n\n  y = [1, 2]\n # a, b\n  z = { k = 1, l = 2, }\n\n  \
             t = <<E\n1,\nE\n  c {\nm = 1\n n = 2\n}\n}\nv = 1\n\n/* , */ é = \"\\\",$${,\""
        );
        assert_eq!(plain.len(), text.len());
        assert_eq!(without_commas("a = [1, 2]"), None);
    }
}
