//! Prompts that are public are read by anybody; all others by callers.

use clearspan_model::WorkspaceId;

use super::OWN;
use crate::api::error::Result;
use crate::auth::{Visitor, unauthorized};
use crate::context::Context;

/// Who reads prompts of a workspace.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader {
    pub(super) workspace_id: WorkspaceId,
    /// One without a key.
    is_stranger: bool,
}

impl Reader {
    pub(super) fn of(ctx: &Context, visitor: Visitor, owner: &str) -> Result<Self> {
        match visitor {
            Visitor(Some(caller)) => Ok(Self { workspace_id: caller.workspace_id, is_stranger: false }),
            // Who has no key has no prompts of their own.
            Visitor(None) if owner == OWN => Err(unauthorized().into()),
            Visitor(None) => Ok(Self { workspace_id: ctx.workspace.id, is_stranger: true }),
        }
    }

    /// Refuses strangers what is not public. They do not learn whether there is such a prompt.
    pub(super) fn check(self, ctx: &Context, handle: &str) -> Result<()> {
        if !self.is_stranger {
            return Ok(());
        }
        let found = ctx.catalog.load_prompt(self.workspace_id, handle)?;
        match found.is_some_and(|prompt| prompt.about.is_public) {
            true => Ok(()),
            false => Err(unauthorized().into()),
        }
    }
}
