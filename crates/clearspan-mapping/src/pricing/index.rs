//! Finds price entries by hashing: pricing runs once a span, so it must not search.

use clearspan_model::UnixNanos;
use rustc_hash::FxHashMap;

use super::name::{self, Seller};
use super::{PriceEntry, provider};

/// Price entries and the names that lead to them.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    entries: Vec<PriceEntry>,
    by_provider: FxHashMap<String, Names>,
    /// Entries that hold whoever serves the model.
    of_everybody: Names,
    of_makers: Names,
    /// What a single host lists.
    of_only_hosts: Names,
}

/// Positions in `entries`, by the key of a model name.
type Names = FxHashMap<String, Vec<u32>>;

pub(super) enum Lookup<'a> {
    Found(&'a PriceEntry),
    NotAtThatTime,
    Unknown,
}

impl Index {
    /// Of several entries with one name the last that holds is the price.
    pub(super) fn new(entries: Vec<PriceEntry>) -> Self {
        let mut index = Self::default();
        for (position, entry) in entries.iter().enumerate() {
            index.add(entry, u32::try_from(position).expect("a price list has less than 2^32 entries"));
        }
        index.settle_names();
        index.entries = entries;
        index
    }

    #[cfg(test)]
    pub(super) fn entries(&self) -> &[PriceEntry] {
        &self.entries
    }

    fn add(&mut self, entry: &PriceEntry, position: u32) {
        let names = match &entry.provider {
            Some(provider) => self.by_provider.entry(provider::canonical(provider).into_owned()).or_default(),
            None => &mut self.of_everybody,
        };
        for model in &entry.models {
            let positions = names.entry(name::key(model).into_owned()).or_default();
            if positions.last() != Some(&position) {
                positions.push(position);
            }
        }
    }

    /// Lets names be found without their provider.
    fn settle_names(&mut self) {
        let mut hosts: FxHashMap<&str, Option<&Vec<u32>>> = FxHashMap::default();
        for (_, names) in self.by_provider.iter().filter(|(provider, _)| !provider::is_maker(provider)) {
            for (key, positions) in names {
                hosts.entry(key).and_modify(|only| *only = None).or_insert(Some(positions));
            }
        }
        let only_hosts = hosts.into_iter().filter_map(|(key, only)| Some((key.to_owned(), only?.clone())));
        self.of_only_hosts = only_hosts.collect();
        for names in provider::MAKERS.iter().filter_map(|maker| self.by_provider.get(*maker)) {
            for (key, positions) in names {
                self.of_makers.entry(key.clone()).or_insert_with(|| positions.clone());
            }
        }
    }

    /// The entry that holds for a name at a time.
    pub(super) fn get(&self, seller: Seller<'_>, key: &str, at: UnixNanos) -> Lookup<'_> {
        let names = match seller {
            Seller::Known(provider) => self.by_provider.get(provider),
            Seller::Maker => Some(&self.of_makers),
            Seller::OnlyHost => Some(&self.of_only_hosts),
        };
        let mut lookup = Lookup::Unknown;
        for names in names.into_iter().chain([&self.of_everybody]) {
            let Some(positions) = names.get(key) else { continue };
            let mut entries = positions.iter().rev().map(|position| &self.entries[*position as usize]);
            match entries.find(|entry| entry.holds_at(at)) {
                Some(entry) => return Lookup::Found(entry),
                None => lookup = Lookup::NotAtThatTime,
            }
        }
        lookup
    }
}
