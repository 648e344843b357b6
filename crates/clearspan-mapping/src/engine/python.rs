//! Values as Python prints them: `{'cache_read': 10, "it's": None, 'kinds': ('a', True)}`.
//!
//! Some exporters put `str(value)` where JSON was meant. Literals become JSON text; anything else (objects, calls,
//! names) is none of our business.

use crate::json::push_string;

/// How deep a literal may nest.
const MAX_DEPTH: usize = 64;

/// The JSON text of a Python literal: dicts, lists, tuples, texts, numbers, `True`, `False` and `None`.
pub(crate) fn literal_to_json(text: &str) -> Option<String> {
    let mut reader = Reader { rest: text, out: String::with_capacity(text.len()) };
    reader.value(0)?;
    reader.skip_space();
    reader.rest.is_empty().then_some(reader.out)
}

struct Reader<'a> {
    rest: &'a str,
    out: String,
}

impl Reader<'_> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn peek(&mut self) -> Option<char> {
        self.skip_space();
        self.rest.chars().next()
    }

    fn take(&mut self, word: &str) -> Option<()> {
        self.skip_space();
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            '{' => self.items('{', '}', depth, true),
            '[' => self.items('[', ']', depth, false),
            '(' => self.items('(', ')', depth, false),
            '\'' | '"' => self.text(),
            '-' | '0'..='9' => self.number(),
            _ => self.word(),
        }
    }

    fn word(&mut self) -> Option<()> {
        let words = [("True", "true"), ("False", "false"), ("None", "null"), ("nan", "null")];
        let (python, json) = words.into_iter().find(|(python, _)| self.rest.starts_with(python))?;
        self.out.push_str(json);
        self.take(python)
    }

    /// The entries of a dict, list or tuple; a comma may follow the last one.
    fn items(&mut self, open: char, close: char, depth: usize, is_dict: bool) -> Option<()> {
        self.rest = self.rest.strip_prefix(open)?;
        self.out.push(if is_dict { '{' } else { '[' });
        let mut is_first = true;
        while self.peek()? != close {
            if !is_first {
                self.take(",")?;
                if self.peek()? == close {
                    break;
                }
                self.out.push(',');
            }
            is_first = false;
            if is_dict {
                self.peek().filter(|quote| matches!(quote, '\'' | '"'))?;
                self.text()?;
                self.take(":")?;
                self.out.push(':');
            }
            self.value(depth + 1)?;
        }
        self.rest = self.rest.strip_prefix(close)?;
        self.out.push(if is_dict { '}' } else { ']' });
        Some(())
    }

    fn text(&mut self) -> Option<()> {
        let quote = self.rest.chars().next()?;
        let mut chars = self.rest.char_indices().skip(1);
        let mut text = String::new();
        while let Some((at, letter)) = chars.next() {
            match letter {
                '\\' => text.push(match chars.next()?.1 {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                }),
                _ if letter == quote => {
                    push_string(&text, &mut self.out);
                    self.rest = self.rest.get(at + quote.len_utf8()..)?;
                    return Some(());
                }
                _ => text.push(letter),
            }
        }
        None
    }

    fn number(&mut self) -> Option<()> {
        let end = self.rest.find(|c: char| !matches!(c, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let (digits, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        digits.parse::<f64>().ok().filter(|number| number.is_finite())?;
        // `1.` and `1e5` are numbers in Python; the first is none in JSON.
        self.out.push_str(digits.strip_suffix('.').unwrap_or(digits));
        self.rest = rest;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::literal_to_json;
    use crate::json::parse;

    #[test]
    fn literals_become_json() {
        for (python, json) in [
            ("{'cache_read': 10}", r#"{"cache_read":10}"#),
            (
                r#"{'a': {"it's": True, 'q': 'say "hi"'}, 'b': None}"#,
                r#"{"a":{"it's":true,"q":"say \"hi\""},"b":null}"#,
            ),
            ("[1, -2.5, (3, 'x',), ()]", r#"[1,-2.5,[3,"x"],[]]"#),
            (r"{'path': 'C:\\x', 'line': 'a\nb', 'e': 'é'}", r#"{"path":"C:\\x","line":"a\nb","e":"é"}"#),
            ("{ }", "{}"),
        ] {
            let text = literal_to_json(python).unwrap_or_else(|| panic!("{python}"));
            assert_eq!(text, json);
            assert!(parse(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_no_literal_is_refused() {
        let deep = "[".repeat(100);
        for text in ["", "{", "{'a'}", "{1: 2}", "Message(role='x')", "'open", "{'a': 1} x", "--1", &deep] {
            assert_eq!(literal_to_json(text), None, "{text}");
        }
    }
}
