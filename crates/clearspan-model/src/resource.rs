//! Attributes of the process that sent a run, shared by the runs of one request.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::JsonText;

/// Attributes by key; values are JSON. Cheap to clone: all runs of one process share them. None take no memory.
#[derive(Debug, Clone, Default)]
pub struct Resource(Option<Arc<BTreeMap<String, JsonText>>>);

static NOTHING: BTreeMap<String, JsonText> = BTreeMap::new();

impl Resource {
    /// The map, to be changed; nobody else's is.
    pub fn make_mut(&mut self) -> &mut BTreeMap<String, JsonText> {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    /// The map itself; a copy of it while others share it.
    pub fn into_map(self) -> BTreeMap<String, JsonText> {
        self.0.map(Arc::unwrap_or_clone).unwrap_or_default()
    }

    /// True when both are one map, which is cheaper to see than that they are equal.
    pub fn is_same(&self, other: &Self) -> bool {
        std::ptr::eq(&**self, &**other)
    }
}

impl Deref for Resource {
    type Target = BTreeMap<String, JsonText>;

    fn deref(&self) -> &Self::Target {
        self.0.as_deref().unwrap_or(&NOTHING)
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.is_same(other) || **self == **other
    }
}

impl Eq for Resource {}

impl PartialOrd for Resource {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Resource {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl From<BTreeMap<String, JsonText>> for Resource {
    fn from(map: BTreeMap<String, JsonText>) -> Self {
        Self((!map.is_empty()).then(|| Arc::new(map)))
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}
