use std::sync::Arc;

use coworker_schema::{Schema, SchemaError};

use crate::capability::Grants;
use crate::card::Card;
use crate::digest::Digest;
use crate::listing::Listing;
use crate::terms::ComponentTerms;

/// An installed skill as the gates see it: its contract, its listing and its imports.
#[derive(Debug)]
pub struct Skill {
    pub(crate) card: Card,
    pub(crate) hash: Digest,
    pub(crate) input: Schema,
    pub(crate) output: Schema,
    pub(crate) component: Digest,
    pub(crate) imports: Grants,
    pub(crate) listing: Listing,
    pub(crate) terms: Arc<ComponentTerms>,
}

impl Skill {
    /// `imports` are the capabilities that the component can use at all; `listing` and `terms` are the owner's decisions.
    pub fn new(
        card: Card,
        component: Digest,
        imports: Grants,
        listing: Listing,
        terms: Arc<ComponentTerms>,
    ) -> Result<Self, SchemaError> {
        Ok(Self {
            input: Schema::new(card.input_schema.clone())?,
            output: Schema::new(card.output_schema.clone())?,
            hash: card.hash(),
            card,
            component,
            imports,
            listing,
            terms,
        })
    }

    pub fn card(&self) -> &Card {
        &self.card
    }

    pub fn hash(&self) -> Digest {
        self.hash
    }

    pub fn component(&self) -> Digest {
        self.component
    }

    pub fn imports(&self) -> &Grants {
        &self.imports
    }

    pub fn terms(&self) -> &ComponentTerms {
        &self.terms
    }

    pub fn listing(&self) -> Listing {
        self.listing
    }
}
