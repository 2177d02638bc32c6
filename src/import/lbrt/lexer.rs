//! Ruby as far as plain data goes: words, texts, numbers, symbols, punctuation, line by line.
//! Knows nothing of statements. What it does not know becomes punctuation that fits nowhere.

use std::ops::Range;

use serde_json::Number;

use super::super::node::number;
use super::text::{Text, Texts};

/// A token and its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: Kind,
    pub span: Range<usize>,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A word that begins with a letter, `@` or `$`.
    Word(String),
    /// `name:`, a key of a hash.
    Label(String),
    Text(Text),
    Symbol(String),
    Number(Number),
    /// `%w[a b]`
    Words(Vec<String>),
    /// One character, but `=>` is `>` and `::` is `:`; other pairs come one by one.
    Mark(char),
    /// The end of a line, or `;`.
    Newline,
    /// A text that is never closed.
    Open,
    End,
}

/// All tokens; the last one is [`Kind::End`].
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, skip_to: 0, tokens: Vec::new(), blank: true };
    while lexer.at < text.len() {
        lexer.token();
    }
    lexer.push(Kind::End, text.len());
    lexer.tokens
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    /// Where to go on at the end of the line: behind the texts that stand below it.
    skip_to: usize,
    tokens: Vec<Token>,
    /// Whether a blank stood before the token at hand.
    blank: bool,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn push(&mut self, kind: Kind, end: usize) {
        self.tokens.push(Token { kind, span: self.at..end });
        self.at = end;
        self.blank = false;
    }

    fn token(&mut self) {
        let Some(first) = self.rest().chars().next() else { return };
        match first {
            '\n' => self.line_end(),
            ';' => self.push(Kind::Newline, self.at + 1),
            '#' => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
            '\\' if self.rest().starts_with("\\\n") || self.rest().starts_with("\\\r\n") => {
                self.at += self.rest().find('\n').map_or(1, |at| at + 1);
                self.blank = true;
            }
            _ if first.is_whitespace() => {
                self.at += first.len_utf8();
                self.blank = true;
            }
            _ if self.rest().starts_with("=begin") && self.starts_line() => self.comment(),
            _ if self.rest().starts_with("__END__") && self.starts_line() => self.at = self.text.len(),
            '"' | '\'' => self.quoted(first),
            '0'..='9' => self.number(self.at),
            '-' if self.value_may_begin(1) && self.next_is_digit() => self.number(self.at + 1),
            ':' => self.colon(),
            '%' if self.value_may_begin(1) => self.percent(),
            '<' if self.rest().starts_with("<<") && self.value_may_begin(2) => self.heredoc(),
            _ if first.is_alphabetic() || matches!(first, '_' | '@' | '$') => self.word(),
            '=' if self.rest().starts_with("=>") => self.push(Kind::Mark('>'), self.at + 2),
            mark => self.push(Kind::Mark(mark), self.at + mark.len_utf8()),
        }
    }

    fn line_end(&mut self) {
        self.push(Kind::Newline, self.at + 1);
        self.at = self.at.max(self.skip_to);
        self.blank = true;
    }

    fn starts_line(&self) -> bool {
        self.at == 0 || self.text.as_bytes().get(self.at - 1) == Some(&b'\n')
    }

    fn comment(&mut self) {
        let end = self.rest().find("\n=end").map_or(self.text.len(), |at| self.at + at + 1);
        let line =
            self.text.get(end..).and_then(|rest| rest.find('\n')).map_or(self.text.len(), |at| end + at);
        self.at = line;
    }

    /// Whether a value, rather than an operator, may begin here: behind a word only where a blank stands before it and none
    /// behind, `settings -1` against `a - 1`.
    fn value_may_begin(&self, length: usize) -> bool {
        let glued = self.rest().chars().nth(length).is_some_and(|next| !next.is_whitespace() && next != '=');
        match self.tokens.last().map(|token| &token.kind) {
            Some(Kind::Word(_)) => self.blank && glued,
            Some(Kind::Text(_) | Kind::Number(_) | Kind::Symbol(_) | Kind::Words(_)) => false,
            Some(Kind::Mark(mark)) => !matches!(mark, ')' | ']' | '}'),
            _ => true,
        }
    }

    fn next_is_digit(&self) -> bool {
        self.text.as_bytes().get(self.at + 1).is_some_and(u8::is_ascii_digit)
    }

    fn word(&mut self) {
        let rest = self.rest();
        let inside = |c: char| c.is_alphanumeric() || c == '_';
        let body = rest.trim_start_matches(['@', '$']);
        let mut length = rest.len() - body.len() + body.find(|c| !inside(c)).unwrap_or(body.len());
        if rest[length..].starts_with(['?', '!']) && !rest[length + 1..].starts_with('=') {
            length += 1;
        }
        let word = rest[..length.max(1)].to_owned();
        let behind = &rest[word.len()..];
        let end = self.at + word.len();
        if behind.starts_with(':') && !behind.starts_with("::") {
            self.push(Kind::Label(word), end + 1);
        } else {
            self.push(Kind::Word(word), end);
        }
    }

    fn colon(&mut self) {
        let rest = &self.rest()[1..];
        if rest.starts_with(':') {
            self.push(Kind::Mark(':'), self.at + 2);
        } else if let Some(quote @ ('"' | '\'')) = rest.chars().next() {
            match Texts(self.text).quoted(self.at + 2, quote, quote) {
                Some((Text { value, dynamic: None }, end)) => self.push(Kind::Symbol(value), end),
                Some((text, end)) => self.push(Kind::Text(text), end),
                None => self.open(),
            }
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let name = rest[..end].to_owned();
            if name.is_empty() {
                self.push(Kind::Mark(':'), self.at + 1);
            } else {
                self.push(Kind::Symbol(name), self.at + 1 + end);
            }
        }
    }

    fn quoted(&mut self, quote: char) {
        match Texts(self.text).quoted(self.at + 1, quote, quote) {
            Some((Text { value, dynamic: None }, end))
                if self.text[end..].starts_with(':') && !self.text[end..].starts_with("::") =>
            {
                self.push(Kind::Label(value), end + 1);
            }
            Some((text, end)) => self.push(Kind::Text(text), end),
            None => self.open(),
        }
    }

    /// `%w[a b]`, `%i[a b]`, `%q(text)`, `%Q(text)`, `%(text)`.
    fn percent(&mut self) {
        let rest = &self.rest()[1..];
        let letter = rest.chars().next().filter(char::is_ascii_alphabetic);
        let after = letter.map_or(0, char::len_utf8);
        let open = rest[after..].chars().next().filter(|c| "([{<|!/".contains(*c));
        let known = matches!(letter, None | Some('w' | 'i' | 'q' | 'Q'));
        let (Some(open), true) = (open, known) else { return self.push(Kind::Mark('%'), self.at + 1) };
        let close = match open {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '<' => '>',
            same => same,
        };
        let style = if matches!(letter, None | Some('Q')) { '"' } else { '\'' };
        match Texts(self.text).delimited(self.at + 1 + after + 1, open, close, style) {
            Some((text, end)) if matches!(letter, Some('w' | 'i')) => {
                self.push(Kind::Words(text.value.split_whitespace().map(str::to_owned).collect()), end);
            }
            Some((text, end)) => self.push(Kind::Text(text), end),
            None => self.open(),
        }
    }

    /// A text that stands below the line: `<<EOS`, `<<-EOS`, `<<~EOS`, and with quotes around the word.
    fn heredoc(&mut self) {
        let line_end = self.rest().find('\n').map_or(self.text.len(), |at| self.at + at + 1);
        match Texts(self.text).heredoc(self.at, line_end.max(self.skip_to)) {
            Some(Some((text, word_end, body_end))) => {
                self.skip_to = body_end;
                self.push(Kind::Text(text), word_end);
            }
            Some(None) => self.open(),
            None => self.push(Kind::Mark('<'), self.at + 1),
        }
    }

    fn number(&mut self, digits: usize) {
        let text = &self.text[digits..];
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let mut length = text.find(|c| !inside(c)).unwrap_or(text.len());
        // `1.5` and `1.5e-3`, but not `1.hour`.
        if text[length..].starts_with('.') && text[length + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            length += 1 + text[length + 1..].find(|c| !inside(c)).unwrap_or(text.len() - length - 1);
        }
        if text[..length].ends_with(['e', 'E']) && text[length..].starts_with(['-', '+']) {
            length += 1 + text[length + 1..].find(|c| !inside(c)).unwrap_or(text.len() - length - 1);
        }
        let end = digits + length;
        let written: String = self.text[self.at..end].replace('_', "");
        let plain = written.trim_start_matches('-');
        let octal = plain.len() > 1 && plain.starts_with('0') && plain.bytes().all(|b| b.is_ascii_digit());
        match written.parse::<f64>().ok().filter(|float| !octal && float.is_finite()).and_then(number) {
            Some(found) => self.push(Kind::Number(found), end),
            None => self.push(Kind::Word(written), end),
        }
    }

    fn open(&mut self) {
        self.push(Kind::Open, self.text.len());
    }
}
