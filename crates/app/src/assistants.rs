//! Vapi's assistants, as the organisation's key sees them.

use crate::accounts::Caller;
use crate::clock::now;
use crate::events::{Actor, record};
use crate::start::App;
use dialtone_domain::{AssistantId, Code, Language, Params, Problem, text};
use dialtone_providers::{Vapi, vapi};
use jiff::Timestamp;
use serde_json::json;

/// An assistant.
#[derive(Debug, Clone)]
pub struct AssistantView {
    /// Vapi's id.
    pub id: AssistantId,
    /// Its name; may be empty.
    pub name: String,
    /// What it says first.
    pub first_message: Option<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// When it was changed.
    pub updated_at: Option<Timestamp>,
}

/// An assistant to make.
pub struct NewAssistant {
    /// Its name, at most 40 characters.
    pub name: String,
    /// What it says first.
    pub first_message: Option<String>,
    /// How it behaves.
    pub system_prompt: Option<String>,
    /// What it speaks.
    pub language: Language,
}

impl App {
    /// The assistants at Vapi, in Vapi's order.
    ///
    /// # Errors
    /// [`Code::VapiKeyMissing`], or what Vapi says.
    pub async fn assistants(&self, caller: &Caller) -> Result<Vec<AssistantView>, Problem> {
        let listed = self.vapi(caller).await?.assistants().await?;
        // One made in Vapi's own dashboard may be what an import waits for.
        self.inner.sweep.nudge();
        Ok(listed.items.into_iter().map(view).collect())
    }

    /// Makes an assistant at Vapi.
    ///
    /// # Errors
    /// [`Code::VapiKeyMissing`], or what Vapi says.
    pub async fn create_assistant(
        &self,
        caller: &Caller,
        new: NewAssistant,
    ) -> Result<AssistantView, Problem> {
        let default = |key: &str| text::text(new.language, key, &Params::default());
        let request = vapi::NewAssistant {
            first_message: new.first_message.unwrap_or_else(|| default("assistant.first_message")),
            system_prompt: new.system_prompt.unwrap_or_else(|| default("assistant.system_prompt")),
            language: new.language.code().to_owned(),
            name: new.name,
        };
        let assistant = view(self.vapi(caller).await?.create_assistant(&request).await?);
        let (tenant, actor, at) = (caller.tenant.clone(), Actor::of(caller), now());
        let (id, told) = (assistant.id, json!({ "name": assistant.name, "at": at.to_string() }));
        self.store()
            .write(move |tx| record(tx, &tenant, &actor, "assistant.created", id, None, Some(told.clone())))
            .await?;
        Ok(assistant)
    }

    /// A client with the organisation's key.
    pub(crate) async fn vapi(&self, caller: &Caller) -> Result<Vapi, Problem> {
        let keys = self.keys(&caller.tenant).await?;
        self.inner.providers.vapi(&keys.vapi()?.ok_or(Code::VapiKeyMissing)?)
    }
}

fn view(assistant: vapi::Assistant) -> AssistantView {
    let vapi::Assistant { id, name, first_message, created_at, updated_at, .. } = assistant;
    AssistantView { id, name: name.unwrap_or_default(), first_message, created_at, updated_at }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_a_new_assistant_speaks_the_language_that_was_asked_for() {
        for language in [Language::En, Language::Fr] {
            for key in ["assistant.first_message", "assistant.system_prompt"] {
                assert!(text::find(language, key, &Params::default()).is_some(), "{language:?} {key}");
            }
        }
    }
}
