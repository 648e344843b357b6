//! Attributes of the process that sent a run, shared by the runs of one request.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::JsonText;

/// Attributes by key; values are JSON. Cheap to clone: all runs of one process share them.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Resource(Arc<BTreeMap<String, JsonText>>);

impl Resource {
    /// The map, to be changed; nobody else's is.
    pub fn make_mut(&mut self) -> &mut BTreeMap<String, JsonText> {
        Arc::make_mut(&mut self.0)
    }

    /// The map itself; a copy of it while others share it.
    pub fn into_map(self) -> BTreeMap<String, JsonText> {
        Arc::unwrap_or_clone(self.0)
    }

    /// True when both are one map, which is cheaper to see than that they are equal.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Deref for Resource {
    type Target = BTreeMap<String, JsonText>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<BTreeMap<String, JsonText>> for Resource {
    fn from(map: BTreeMap<String, JsonText>) -> Self {
        Self(Arc::new(map))
    }
}

impl Serialize for Resource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Resource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}
