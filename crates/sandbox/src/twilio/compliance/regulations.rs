//! Regulations: what a country wants to know of whoever has a number of a kind there (T20 [S]). Who needs a
//! bundle follows from the catalogue; what goes into one is plausible, not any country's law [?].

use hyper::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::super::catalogue;
use super::super::errors::Problem;
use super::super::paging::{self, Item};
use super::super::{Answer, Ctx, Route};
use super::AREA;
use crate::geo::{COUNTRIES, Kind};
use crate::http::{Object, text};

/// Where they answer.
pub(crate) const ROUTES: &[Route] = &[
    Route { pattern: "RegulatoryCompliance/Regulations", area: AREA, methods: &[(Method::GET, list)] },
    Route { pattern: "RegulatoryCompliance/Regulations/{}", area: AREA, methods: &[(Method::GET, fetch)] },
    Route { pattern: "RegulatoryCompliance/EndUserTypes", area: AREA, methods: &[(Method::GET, list_types)] },
    Route {
        pattern: "RegulatoryCompliance/EndUserTypes/{}",
        area: AREA,
        methods: &[(Method::GET, |ctx| fetch_type(ctx, END_USERS))],
    },
    Route {
        pattern: "RegulatoryCompliance/SupportingDocumentTypes",
        area: AREA,
        methods: &[(Method::GET, list_document_types)],
    },
    Route {
        pattern: "RegulatoryCompliance/SupportingDocumentTypes/{}",
        area: AREA,
        methods: &[(Method::GET, |ctx| fetch_type(ctx, DOCUMENTS))],
    },
];

/// A type of end user or of document, and the fields that its attributes have.
#[derive(Debug)]
pub(crate) struct Type {
    pub(crate) name: &'static str,
    friendly: &'static str,
    pub(crate) fields: &'static [&'static str],
}

/// Something that must be shown, by one of several documents.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) name: &'static str,
    pub(crate) friendly: &'static str,
    pub(crate) accepted: &'static [&'static str],
}

/// The types of end users.
pub(crate) const END_USERS: &[Type] = &[
    Type { name: "individual", friendly: "Individual", fields: &["first_name", "last_name"] },
    Type {
        name: "business",
        friendly: "Business",
        fields: &["business_name", "business_registration_number", "first_name", "last_name"],
    },
];

/// The types of documents.
pub(crate) const DOCUMENTS: &[Type] = &[
    Type { name: "passport", friendly: "Passport", fields: &["first_name", "last_name"] },
    Type {
        name: "government_issued_document",
        friendly: "Government-issued ID",
        fields: &["first_name", "last_name"],
    },
    Type {
        name: "commercial_registrar_excerpt",
        friendly: "Excerpt from the commercial register",
        fields: &["business_name", "document_number"],
    },
    Type { name: "utility_bill", friendly: "Utility bill", fields: &["address_sids"] },
    Type { name: "tax_document", friendly: "Tax document", fields: &["address_sids"] },
];

const OF_INDIVIDUALS: &[Proof] = &[
    Proof { name: "name_info", friendly: "Name", accepted: &["passport", "government_issued_document"] },
    Proof { name: "proof_of_address", friendly: "Address", accepted: &["utility_bill", "tax_document"] },
];

const OF_BUSINESSES: &[Proof] = &[
    Proof {
        name: "business_name_info",
        friendly: "Business Name",
        accepted: &["commercial_registrar_excerpt"],
    },
    Proof {
        name: "business_address_proof_info",
        friendly: "Business Address (Proof of Address)",
        accepted: &["utility_bill", "tax_document"],
    },
];

impl Type {
    /// The type of this name.
    pub(crate) fn named(types: &'static [Type], name: &str) -> Option<&'static Type> {
        types.iter().find(|known| known.name == name)
    }
}

impl Item for Type {
    fn sid(&self) -> &str {
        self.name
    }

    fn show(&self) -> Object {
        let field =
            |name: &&str| json!({"friendly_name": title(name), "machine_name": name, "constraint": "String"});
        let shown = json!({
            "sid": derived("OY", self.name),
            "friendly_name": self.friendly,
            "machine_name": self.name,
            "fields": self.fields.iter().map(field).collect::<Value>(),
        });
        shown.as_object().cloned().unwrap_or_default()
    }
}

/// `business_name` → `Business Name`.
pub(crate) fn title(name: &str) -> String {
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    name.split('_').map(capital).collect::<Vec<_>>().join(" ")
}

/// A SID that is the same everywhere, as those of the provider's own lists are.
pub(crate) fn derived(prefix: &str, name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    prefix.chars().chain(digest[..16].iter().flat_map(hex)).collect()
}

fn hex(byte: &u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0'))
}

/// What is asked for numbers of a kind and country, of one type of end user.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Regulation {
    pub(crate) iso: &'static str,
    pub(crate) kind: Kind,
    pub(crate) end_user: &'static Type,
}

impl Regulation {
    /// Every regulation: where a bundle is needed, or stands for an identity document.
    fn all() -> impl Iterator<Item = Regulation> {
        let numbers = COUNTRIES.iter().flat_map(|country| {
            catalogue::kinds(country.iso).filter_map(|kind| {
                let terms = catalogue::terms_of(country.iso, kind)?;
                (terms.bundle || terms.identity).then_some((country.iso, kind))
            })
        });
        numbers
            .flat_map(|(iso, kind)| END_USERS.iter().map(move |end_user| Regulation { iso, kind, end_user }))
    }

    /// The regulation with this SID.
    pub(crate) fn get(sid: &str) -> Option<Regulation> {
        Regulation::all().find(|regulation| regulation.sid() == sid)
    }

    /// The regulation for a country, kind and type of end user, as the API names them.
    pub(crate) fn find(iso: &str, kind: &str, end_user: &str) -> Option<Regulation> {
        Regulation::all().find(|regulation| {
            regulation.iso == iso
                && regulation.number_type() == kind.replace(' ', "-")
                && regulation.end_user.name == end_user
        })
    }

    /// The regulation that a bundle follows.
    pub(crate) fn of_bundle(bundle: &Object) -> Option<Regulation> {
        Regulation::get(text(bundle, "regulation_sid")?)
    }

    /// Its SID.
    pub(crate) fn sid(&self) -> String {
        derived("RN", &format!("{} {} {}", self.iso, self.number_type(), self.end_user.name))
    }

    /// `toll-free` with a hyphen here [?].
    fn number_type(&self) -> String {
        self.kind.words().replace(' ', "-")
    }

    /// Whether it is about numbers of this kind, as the API names it.
    pub(crate) fn is_for(&self, kind: &str) -> bool {
        self.number_type() == kind
    }

    /// What must be shown by documents.
    pub(crate) fn proofs(&self) -> &'static [Proof] {
        if self.end_user.name == "business" { OF_BUSINESSES } else { OF_INDIVIDUALS }
    }

    fn show(&self, base: &str) -> Object {
        let types = format!("{base}/v2/RegulatoryCompliance");
        let field = |name: &&str| {
            json!({"machine_name": name, "friendly_name": title(name),
                "description": format!("{} of the end user", title(name))})
        };
        let fields = |of: &Type| of.fields.iter().map(field).collect::<Value>();
        let accepted = |name: &&str| {
            let of = Type::named(DOCUMENTS, name)?;
            Some(json!({"name": of.friendly, "type": of.name, "fields": of.fields,
                "url": format!("{types}/SupportingDocumentTypes/{}", derived("OY", of.name)),
                "detailed_fields": fields(of)}))
        };
        let proof = |proof: &Proof| {
            json!({"name": proof.friendly, "type": "document", "requirement_name": proof.name,
                "description": format!("A document that shows: {}.", proof.friendly),
                "accepted_documents": proof.accepted.iter().filter_map(accepted).collect::<Value>()})
        };
        let user = self.end_user;
        let requirements = json!({
            "end_user": [{"name": user.friendly, "type": user.name,
                "requirement_name": format!("{}_info", user.name),
                "url": format!("{types}/EndUserTypes/{}", derived("OY", user.name)),
                "fields": user.fields, "detailed_fields": fields(user)}],
            "supporting_document": [self.proofs().iter().map(proof).collect::<Value>()],
        });
        let shown = json!({
            "sid": self.sid(),
            "friendly_name":
                format!("{}: {} - {}", country(self.iso), title(&self.number_type()), user.friendly),
            "iso_country": self.iso,
            "number_type": self.number_type(),
            "end_user_type": user.name,
            "requirements": requirements,
            "url": format!("{types}/Regulations/{}", self.sid()),
        });
        shown.as_object().cloned().unwrap_or_default()
    }
}

fn country(iso: &str) -> &'static str {
    COUNTRIES.iter().find(|country| country.iso == iso).map_or("", |country| country.name)
}

/// `GET /v2/RegulatoryCompliance/Regulations`: filters by country, kind and type of end user [S].
fn list(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let query = &ctx.query;
    let (iso, kind) = (query.filled("IsoCountry"), query.filled("NumberType"));
    // The constraints of fields are not played.
    let (user, _) = (query.filled("EndUserType"), query.get("IncludeConstraints"));
    let wanted = |regulation: &Regulation| {
        iso.is_none_or(|iso| regulation.iso == iso)
            && kind.is_none_or(|kind| regulation.number_type() == kind)
            && user.is_none_or(|user| regulation.end_user.name == user)
    };
    let items: Vec<Object> =
        Regulation::all().filter(wanted).map(|regulation| regulation.show(&ctx.base)).collect();
    paging::absolute(ctx, "results", items.iter(), |shown| shown)
}

/// `GET /v2/RegulatoryCompliance/Regulations/{RN}`.
fn fetch(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let _ = ctx.query.get("IncludeConstraints");
    let regulation = Regulation::get(&ctx.ids[0]).ok_or_else(|| Problem::not_found(&ctx.uri))?;
    Ok(Answer::item(200, "Regulation", regulation.show(&ctx.base)))
}

fn located(ctx: &Ctx<'_>, of: &str, mut shown: Object) -> Object {
    let sid = text(&shown, "sid").unwrap_or_default();
    let url = format!("{}/v2/RegulatoryCompliance/{of}/{sid}", ctx.base);
    shown.insert("url".to_owned(), json!(url));
    shown
}

/// `GET /v2/RegulatoryCompliance/EndUserTypes`.
fn list_types(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    paging::absolute(ctx, "end_user_types", END_USERS.iter(), |shown| located(ctx, "EndUserTypes", shown))
}

/// `GET /v2/RegulatoryCompliance/SupportingDocumentTypes`.
fn list_document_types(ctx: &mut Ctx<'_>) -> Result<Answer, Problem> {
    let located = |shown| located(ctx, "SupportingDocumentTypes", shown);
    paging::absolute(ctx, "supporting_document_types", DOCUMENTS.iter(), located)
}

fn fetch_type(ctx: &mut Ctx<'_>, types: &'static [Type]) -> Result<Answer, Problem> {
    let named = |known: &&Type| derived("OY", known.name) == ctx.ids[0];
    let mut shown = types.iter().find(named).ok_or_else(|| Problem::not_found(&ctx.uri))?.show();
    shown.insert("url".to_owned(), json!(format!("{}{}", ctx.base, ctx.uri)));
    Ok(Answer::item(200, "Type", shown))
}
