//! The shape of a trace: who is above whom, in an order in which whatever is below a node follows it.

use super::Node;

/// The nodes as a forest.
pub(super) struct Tree {
    /// The node above; none for roots. Free of circles.
    pub(super) parents: Vec<Option<u32>>,
    /// All nodes, each before its descendants, and these without a gap behind it.
    pub(super) order: Vec<u32>,
    /// How many nodes each subtree has, itself included.
    pub(super) sizes: Vec<u32>,
    /// How many nodes are above each.
    pub(super) depths: Vec<u32>,
}

impl Tree {
    pub(super) fn of(nodes: &[Node<'_>]) -> Self {
        Self::new(nodes.iter().map(|node| node.parent.and_then(|parent| parent.try_into().ok())).collect())
    }

    pub(super) fn new(parents: Vec<Option<u32>>) -> Self {
        let parents = acyclic(parents);
        let order = depth_first(&parents);
        let mut sizes = vec![1; parents.len()];
        for &idx in order.iter().rev() {
            if let Some(parent) = parents[idx as usize] {
                sizes[parent as usize] += sizes[idx as usize];
            }
        }
        let mut depths = vec![0; parents.len()];
        for &idx in &order {
            depths[idx as usize] = parents[idx as usize].map_or(0, |parent| depths[parent as usize] + 1);
        }
        Self { parents, order, sizes, depths }
    }
}

/// The parents that exist, each circle cut where the walk first entered it.
pub(super) fn acyclic(mut parents: Vec<Option<u32>>) -> Vec<Option<u32>> {
    let count = parents.len();
    for parent in &mut parents {
        *parent = parent.filter(|parent| (*parent as usize) < count);
    }
    // Which walk saw a node first, counted from 1; each node is seen once, so all walks together are linear.
    let mut seen_by: Vec<u32> = vec![0; count];
    for (start, walk) in (0..count).zip(1..) {
        let mut at = start;
        while seen_by[at] == 0 {
            seen_by[at] = walk;
            let Some(parent) = parents[at] else { break };
            if seen_by[parent as usize] == walk {
                parents[at] = None;
                break;
            }
            at = parent as usize;
        }
    }
    parents
}

fn depth_first(parents: &[Option<u32>]) -> Vec<u32> {
    // Children of node `i` are `children[starts[i]..starts[i + 1]]`.
    let mut starts: Vec<u32> = vec![0; parents.len() + 1];
    for parent in parents.iter().flatten() {
        starts[*parent as usize + 1] += 1;
    }
    for idx in 1..starts.len() {
        starts[idx] += starts[idx - 1];
    }
    let mut free = starts.clone();
    let mut children: Vec<u32> = vec![0; parents.len()];
    for (parent, idx) in parents.iter().zip(0..) {
        if let Some(parent) = parent {
            let free = &mut free[*parent as usize];
            children[*free as usize] = idx;
            *free += 1;
        }
    }
    let mut order = Vec::with_capacity(parents.len());
    let count = u32::try_from(parents.len()).expect("a trace has fewer than 2^32 runs");
    let mut stack: Vec<u32> = (0..count).rev().filter(|idx| parents[*idx as usize].is_none()).collect();
    while let Some(idx) = stack.pop() {
        order.push(idx);
        let (from, to) = (starts[idx as usize] as usize, starts[idx as usize + 1] as usize);
        stack.extend(children[from..to].iter().rev());
    }
    order
}
