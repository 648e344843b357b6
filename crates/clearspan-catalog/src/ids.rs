use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new random one.
            pub fn generate() -> Self {
                Self(Uuid::new_v4())
            }

            /// From the bytes that were stored.
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Uuid::from_bytes(bytes))
            }

            /// Its bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                self.0.as_bytes()
            }

            /// True for the all-zero id, which nothing may have.
            pub fn is_nil(&self) -> bool {
                self.0.is_nil()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.as_hyphenated().fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::try_parse(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// Identifies a key; no secret.
    KeyId;
    /// Identifies a mapping rule.
    RuleId;
    /// Identifies a feedback.
    FeedbackId;
    /// Identifies an annotation queue.
    QueueId;
    /// Identifies a run's place in an annotation queue.
    ItemId;
    /// Identifies a dataset.
    DatasetId;
    /// Identifies an example, whatever its version.
    ExampleId;
    /// Identifies a comparison of experiments.
    ComparisonId;
    /// Identifies a prompt.
    PromptId;
    /// Identifies a commit of a prompt.
    CommitId;
}
