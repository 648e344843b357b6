//! Sums over the subtrees of a tree whose nodes are in its order.

use super::Totals;

/// What each node of a tree and everything below it used and cost, for nodes that lie in the order of the tree, each behind
/// the one above it. Most nodes of large traces have nothing: these share one place.
#[derive(Debug)]
pub struct TreeTotals {
    /// The place of each node's totals in `known`.
    places: Vec<u32>,
    /// The first is that of all that have nothing.
    known: Vec<Totals>,
}

impl TreeTotals {
    /// Sums what each node adds by itself ([`Totals::own`]); `None` for nodes that add nothing.
    pub fn sum(own: impl Iterator<Item = Option<Totals>>, parents: &[Option<u32>]) -> Self {
        let mut known = vec![Totals::default()];
        let mut places: Vec<u32> = Vec::with_capacity(parents.len());
        places.extend(own.map(|own| own.map_or(0, |own| place_of(&mut known, own))));
        for (idx, parent) in parents.iter().enumerate().rev() {
            let (Some(parent), child @ 1..) = (parent, places[idx]) else { continue };
            let child = known[child as usize];
            let place = &mut places[*parent as usize];
            if *place == 0 {
                *place = place_of(&mut known, Totals::default());
            }
            known[*place as usize].add(&child);
        }
        Self { places, known }
    }

    /// Those of a node.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn of(&self, idx: usize) -> &Totals {
        &self.known[self.places[idx] as usize]
    }
}

/// Of each node one.
impl From<Vec<Totals>> for TreeTotals {
    fn from(known: Vec<Totals>) -> Self {
        let places = known.iter().zip(0..).map(|(_, place)| place).collect();
        Self { places, known }
    }
}

fn place_of(known: &mut Vec<Totals>, totals: Totals) -> u32 {
    known.push(totals);
    u32::try_from(known.len() - 1).expect("a trace has fewer than 2^32 runs")
}
