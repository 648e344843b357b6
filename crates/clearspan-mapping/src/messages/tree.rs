//! Flattened attributes back to the tree that they were: `0.message.role`, `0.message.content`, ….

use crate::json::{Json, Text};

/// Builds the tree of `(path, value)` pairs; segments that are all numbers make lists, in numeric order.
///
/// Sorting first keeps the work at O(n log n) whatever the order and the indexes are.
pub(crate) fn unflatten<'a>(mut entries: Vec<(&'a str, Json<'a>)>) -> Json<'a> {
    entries.sort_by(|left, right| left.0.cmp(right.0));
    let mut root = Node::default();
    for (path, value) in entries {
        // Real paths have fewer than ten segments; what is longer stays one name.
        let node = path.splitn(MAX_SEGMENTS, '.').fold(&mut root, Node::child);
        node.leaf = Some(value);
    }
    root.into_json()
}

const MAX_SEGMENTS: usize = 32;

#[derive(Default)]
struct Node<'a> {
    leaf: Option<Json<'a>>,
    children: Vec<(&'a str, Node<'a>)>,
}

impl<'a> Node<'a> {
    /// The child of that name. Paths come sorted, so it is the last one or new.
    fn child(&mut self, name: &'a str) -> &mut Self {
        if self.children.last().is_none_or(|(last, _)| *last != name) {
            self.children.push((name, Node::default()));
        }
        &mut self.children.last_mut().expect("a child was just added").1
    }

    fn into_json(self) -> Json<'a> {
        let Self { leaf, mut children } = self;
        if children.is_empty() {
            return leaf.unwrap_or_default();
        }
        if leaf.is_none() && children.iter().all(|(name, _)| is_index(name)) {
            children.sort_by_key(|(name, _)| name.parse::<u32>().unwrap_or(u32::MAX));
            return Json::Array(children.into_iter().map(|(_, node)| node.into_json()).collect());
        }
        let members = children.into_iter().map(|(name, node)| (Text::Plain(name), node.into_json()));
        // A value at an inner node is rare and must not be lost.
        let own = leaf.map(|leaf| (Text::Clean(""), leaf));
        Json::Object(own.into_iter().chain(members).collect())
    }
}

pub(super) fn is_index(name: &str) -> bool {
    !name.is_empty() && name.len() < 10 && name.bytes().all(|b| b.is_ascii_digit())
}
