use clearspan_model::UnixNanos;
use rustc_hash::FxHashMap;

use super::PriceEntry;
use super::{name, provider};

/// Finds the entries of a model name by hashing.
#[derive(Debug, Clone, Default)]
pub(super) struct Index {
    entries: Vec<PriceEntry>,
    by_provider: FxHashMap<String, Names>,
    /// Entries that hold whoever serves the model.
    of_everybody: Names,
    /// Whose price holds when nothing says who served the model.
    by_name: Names,
}

/// Positions in `entries`, by the key of a model name.
type Names = FxHashMap<String, Vec<u32>>;

pub(super) enum Lookup<'a> {
    Found(&'a PriceEntry),
    NotAtThatTime,
    Unknown,
}

impl Index {
    /// Of several entries with one name the last that holds is the price, so they are put in order of their start.
    pub(super) fn new(mut entries: Vec<PriceEntry>) -> Self {
        entries.sort_by_key(|entry| entry.from);
        let mut index = Self::default();
        for (position, entry) in entries.iter().enumerate() {
            index.add(entry, u32::try_from(position).expect("a price list has less than 2^32 entries"));
        }
        index.settle_names();
        index.entries = entries;
        index
    }

    fn add(&mut self, entry: &PriceEntry, position: u32) {
        let names = match &entry.provider {
            Some(provider) => {
                self.by_provider.entry(provider::canonical(provider).into_owned()).or_default()
            }
            None => &mut self.of_everybody,
        };
        for model in &entry.models {
            let positions = names.entry(name::key(model).into_owned()).or_default();
            if positions.last() != Some(&position) {
                positions.push(position);
            }
        }
    }

    /// Lets names be found without their provider: the maker's price, else that of the only host.
    fn settle_names(&mut self) {
        let mut hosts: FxHashMap<&str, Option<&Vec<u32>>> = FxHashMap::default();
        for (provider, names) in &self.by_provider {
            if provider::is_maker(provider) {
                continue;
            }
            for (key, positions) in names {
                hosts.entry(key).and_modify(|only| *only = None).or_insert(Some(positions));
            }
        }
        for (key, positions) in hosts {
            if let Some(positions) = positions {
                self.by_name.insert(key.to_owned(), positions.clone());
            }
        }
        for names in provider::MAKERS.iter().rev().filter_map(|maker| self.by_provider.get(*maker)) {
            for (key, positions) in names {
                self.by_name.insert(key.clone(), positions.clone());
            }
        }
    }

    /// The entry of a provider's model at a time; without a provider, of whoever it belongs to.
    pub(super) fn get(&self, provider: Option<&str>, key: &str, at: UnixNanos) -> Lookup<'_> {
        let names = match provider {
            Some(provider) => self.by_provider.get(provider),
            None => Some(&self.by_name),
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
