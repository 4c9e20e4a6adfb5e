"""Where a person can complain (GDPR Art. 15(1)(f); Personal Data (Privacy) Ordinance, Cap. 486, s. 37)."""

HONG_KONG = "Office of the Privacy Commissioner for Personal Data, Hong Kong, www.pcpd.org.hk (Personal Data (Privacy) Ordinance)"
ANY_MEMBER_STATE = (
    "The data protection authority of the Member State in which you live or work, or in which it happened (GDPR Art. 77); "
    "www.edpb.europa.eu lists them"
)
# The supervisory authorities as the European Data Protection Board lists its members.
BY_STATE: dict[str, str] = {
    "AT": "Österreichische Datenschutzbehörde, www.dsb.gv.at",
    "BE": "Autorité de protection des données – Gegevensbeschermingsautoriteit, www.dataprotectionauthority.be",
    "BG": "Commission for Personal Data Protection, www.cpdp.bg",
    "CY": "Commissioner for Personal Data Protection, www.dataprotection.gov.cy",
    "CZ": "Úřad pro ochranu osobních údajů, www.uoou.gov.cz",
    "DE": "Die Bundesbeauftragte für den Datenschutz und die Informationsfreiheit, www.bfdi.bund.de",
    "DK": "Datatilsynet, www.datatilsynet.dk",
    "EE": "Andmekaitse Inspektsioon, www.aki.ee",
    "ES": "Agencia Española de Protección de Datos, www.aepd.es",
    "FI": "Tietosuojavaltuutetun toimisto, www.tietosuoja.fi",
    "FR": "Commission Nationale de l’Informatique et des Libertés, www.cnil.fr",
    "GR": "Hellenic Data Protection Authority, www.dpa.gr",
    "HR": "Agencija za zaštitu osobnih podataka, www.azop.hr",
    "HU": "Nemzeti Adatvédelmi és Információszabadság Hatóság, www.naih.hu",
    "IE": "Data Protection Commission, www.dataprotection.ie",
    "IS": "Persónuvernd, www.personuvernd.is",
    "IT": "Garante per la protezione dei dati personali, www.garanteprivacy.it",
    "LI": "Datenschutzstelle, www.datenschutzstelle.li",
    "LT": "Valstybinė duomenų apsaugos inspekcija, www.vdai.lrv.lt",
    "LU": "Commission Nationale pour la Protection des Données, www.cnpd.public.lu",
    "LV": "Datu valsts inspekcija, www.dvi.gov.lv",
    "MT": "Office of the Information and Data Protection Commissioner, www.idpc.org.mt",
    "NL": "Autoriteit Persoonsgegevens, www.autoriteitpersoonsgegevens.nl",
    "NO": "Datatilsynet, www.datatilsynet.no",
    "PL": "Urząd Ochrony Danych Osobowych, www.uodo.gov.pl",
    "PT": "Comissão Nacional de Proteção de Dados, www.cnpd.pt",
    "RO": "Autoritatea Națională de Supraveghere a Prelucrării Datelor cu Caracter Personal, www.dataprotection.ro",
    "SE": "Integritetsskyddsmyndigheten, www.imy.se",
    "SI": "Informacijski pooblaščenec, www.ip-rs.si",
    "SK": "Úrad na ochranu osobných údajov, www.dataprotection.gov.sk",
}


def complaint_bodies(regime: str, region: str) -> list[str]:
    """Return where a person can complain under a request's regime and region; Hong Kong, where the company is, always."""
    if regime == "eu_gdpr":
        return [BY_STATE.get(region, ANY_MEMBER_STATE), HONG_KONG]
    return [HONG_KONG, ANY_MEMBER_STATE]
