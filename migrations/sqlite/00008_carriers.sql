-- +goose Up
-- Who brings parcels. The rows below are a beginning; admins edit them.
CREATE TABLE carriers (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    key             TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    code            TEXT NOT NULL,              -- Klarna's shipping_company
    shipping_method TEXT NOT NULL DEFAULT '',   -- Klarna's; empty says nothing
    tracking_url    TEXT NOT NULL DEFAULT '',   -- with {number}
    patterns        TEXT NOT NULL DEFAULT '',   -- a regular expression per line, and the name of its check digit
    position        BIGINT NOT NULL,
    active          BOOLEAN NOT NULL,
    created_at      DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at      DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP
);

INSERT INTO carriers (position, active, key, name, code, shipping_method, tracking_url, patterns) VALUES
(10, TRUE, 'dhl', 'DHL', 'dhl-germany', 'Home',
    'https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode={number}',
    '00340\d{15} gs1
JJD(00|1)\d{11,22}
\d{12} identcode
C[A-Z]\d{9}DE s10'),
(20, TRUE, 'dhl-packstation', 'DHL Packstation', 'dhl-germany', 'DHLPackstation',
    'https://www.dhl.de/de/privatkunden/pakete-empfangen/verfolgen.html?piececode={number}',
    ''),
(30, TRUE, 'dhl-express', 'DHL Express', 'dhl-express', 'Home',
    'https://www.dhl.com/de-de/home/tracking.html?tracking-id={number}',
    '\d{10} mod7
J?JD01\d{10,18}'),
(40, TRUE, 'dhl-2-man', 'DHL 2-Mann-Handling', 'dhl-deliverit', 'Home',
    '',
    ''),
(50, TRUE, 'dhl-freight', 'DHL Freight', 'dhl-freight', 'PalletDelivery',
    '',
    ''),
(60, TRUE, 'dpd', 'DPD', 'dpd-de', 'Home',
    'https://tracking.dpd.de/parcelstatus?query={number}',
    '0\d{13}
0\d{13}[0-9A-Z] mod37'),
(70, TRUE, 'gls', 'GLS', 'gls', 'Home',
    'https://gls-group.eu/DE/de/paketverfolgung?match={number}',
    '\d{12} gls
\d{11}
[X-Z][0-9A-Z]{7}'),
(80, TRUE, 'hermes', 'Hermes', 'hermes-de', 'Home',
    'https://www.myhermes.de/empfangen/sendungsverfolgung/sendungsinformation#{number}',
    '\d{14} gs1
H\d{19}'),
(90, TRUE, 'ups', 'UPS', 'ups', 'Home',
    'https://www.ups.com/track?tracknum={number}',
    '1Z[0-9A-Z]{16} ups'),
(100, TRUE, 'fedex', 'FedEx', 'fedex', 'Home',
    'https://www.fedex.com/fedextrack/?trknbr={number}',
    '\d{12} fedex
\d{15} gs1
6129\d{16}
96\d{20}'),
(110, TRUE, 'tnt', 'TNT', 'tnt', 'Home',
    '',
    'GE\d{9}WW'),
(120, TRUE, 'deutsche-post', 'Deutsche Post', 'deutsch-post', 'Postal',
    'https://www.deutschepost.de/de/s/sendungsverfolgung.html?piececode={number}',
    '[LRUV][A-Z]\d{9}DE s10
A0[0-9A-F]{18}'),
(130, TRUE, 'go', 'GO! Express & Logistics', 'general-overnight', 'Home',
    '',
    ''),
(140, TRUE, 'gel', 'GEL Express', 'gel-express', 'Home',
    '',
    ''),
(150, TRUE, 'nox', 'nox NachtExpress', 'nox-nachtexpress', 'Home',
    '',
    ''),
(160, TRUE, 'liefery', 'Liefery', 'liefery', 'Home',
    '',
    ''),
(170, TRUE, 'asendia', 'Asendia', 'asendia-de', 'Home',
    '',
    ''),
(180, TRUE, 'parcel-one', 'Parcel.One', 'parcelone', 'Home',
    '',
    ''),
(190, TRUE, 'post-at', 'Österreichische Post', 'austrian-post-registered', 'Home',
    'https://www.post.at/s/sendungsdetails?snr={number}',
    '1\d{21} gs1
\d{16} gs1
[A-Z]{2}\d{9}AT s10'),
(200, TRUE, 'post-at-express', 'Österreichische Post Express', 'austrian-post', 'Home',
    'https://www.post.at/s/sendungsdetails?snr={number}',
    ''),
(210, TRUE, 'swiss-post', 'Swiss Post', 'swiss-post', 'Home',
    'https://service.post.ch/ekp-web/ui/entry/search/{number}',
    '9[89]\d{16}
[A-Z]{2}\d{9}CH s10'),
(220, TRUE, 'planzer', 'Planzer', 'planzer', 'Home',
    '',
    ''),
(230, TRUE, 'postnl', 'PostNL', 'postnl', 'Home',
    '',
    '3S[A-Z]{3,4}\d{6,10}
[A-Z]{2}\d{9}NL s10'),
(240, TRUE, 'dhl-nl', 'DHL Parcel Nederland', 'dhlparcel-nl', 'Home',
    '',
    'JVGL\d{10,20}'),
(250, TRUE, 'bpost', 'bpost', 'bpost', 'Home',
    '',
    '3232\d{20}
[A-Z]{2}\d{9}BE s10'),
(260, TRUE, 'colissimo', 'Colissimo', 'colissimo', 'Home',
    'https://www.laposte.fr/outils/suivre-vos-envois?code={number}',
    '\d[A-Z]\d{11}
[A-Z]{2}\d{9}FR s10'),
(270, TRUE, 'poste-italiane', 'Poste Italiane', 'poste-italiane', 'Home',
    'https://www.poste.it/cerca/index.html#/risultati-spedizioni/{number}',
    '[A-Z]{2}\d{9}IT s10'),
(280, TRUE, 'brt', 'BRT', 'brt-it', 'Home',
    '',
    ''),
(290, TRUE, 'correos', 'Correos', 'spain-correos-es', 'Home',
    'https://www.correos.es/es/es/herramientas/localizador/envios/detalle?tracking-number={number}',
    'P[0-9A-Z]{22}
[A-Z]{2}\d{9}ES s10'),
(300, TRUE, 'inpost', 'InPost Paczkomaty', 'inpost-paczkomaty', 'PickUpPoint',
    'https://inpost.pl/sledzenie-przesylek?number={number}',
    '[56]\d{23}'),
(310, TRUE, 'poczta-polska', 'Poczta Polska', 'poczta-polska', 'Home',
    'https://emonitoring.poczta-polska.pl/?numer={number}',
    '00\d5900773\d{10} gs1
[A-Z]{2}\d{9}PL s10'),
(320, TRUE, 'postnord', 'PostNord', 'postnord', 'Home',
    'https://tracking.postnord.com/?id={number}',
    '003(57|73)\d{15} gs1
[A-Z]{2}\d{9}(DK|SE) s10'),
(330, TRUE, 'bring', 'Bring', 'bring', 'Home',
    'https://tracking.bring.com/tracking/{number}',
    '370\d{15} gs1
[A-Z]{2}\d{9}NO s10'),
(340, TRUE, 'posti', 'Posti', 'posti', 'Home',
    'https://www.posti.fi/en/tracking#/lahetys/{number}',
    'JJFI\d{17}
[A-Z]{2}\d{9}FI s10'),
(350, TRUE, 'evri', 'Evri', 'myhermes-uk', 'Home',
    'https://www.evri.com/track/parcel/{number}',
    '[CHT]00[0-9A-Z]{13}'),
(360, TRUE, 'dachser', 'DACHSER', 'dachser', 'PalletDelivery',
    '',
    ''),
(370, TRUE, 'dbschenker', 'DB Schenker', 'dbschenker-se', 'PalletDelivery',
    '',
    ''),
(380, TRUE, 'hellmann', 'Hellmann', 'hellmann', 'PalletDelivery',
    '',
    ''),
(390, TRUE, 'kuehne-nagel', 'Kuehne+Nagel', 'kn', 'PalletDelivery',
    '',
    ''),
(400, TRUE, 'raben', 'Raben', 'raben-group', 'PalletDelivery',
    '',
    ''),
(410, TRUE, 'logwin', 'Logwin', 'logwin-logistics', 'PalletDelivery',
    '',
    '');

-- How a parcel reaches the customer, in Klarna's words, as its carrier said when it was
-- recorded. Those recorded before were told as going home.
ALTER TABLE parcels ADD COLUMN shipping_method TEXT NOT NULL DEFAULT '';
UPDATE parcels SET shipping_method = 'Home';

-- +goose Down
ALTER TABLE parcels DROP COLUMN shipping_method;
DROP TABLE carriers;
