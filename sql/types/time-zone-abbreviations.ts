// Time zone abbreviations that date/time input knows: PostgreSQL's "Default" set (documentation, appendix
// B.4), as NAME=seconds east of UTC, with a d behind daylight saving ones, or NAME=zone for those whose
// meaning changed over time.

export interface TimeZoneAbbreviation {
  /** Seconds east of UTC; undefined when it depends on the date. */
  readonly offsetSeconds: number | undefined
  readonly isDst: boolean
  /** The zone whose history gives the meaning, for abbreviations without a fixed one. */
  readonly zoneName: string | undefined
}

const TABLE = `
EAT=10800 SAST=7200 WAT=3600 ACT=-18000 AKDT=-28800d AKST=-32400 ART=America/Argentina/Buenos_Aires
ARST=America/Argentina/Buenos_Aires BOT=-14400 BRA=-10800 BRST=-7200d BRT=-10800 COT=-18000 CDT=-18000d
CLST=-10800d CLT=America/Santiago CST=-21600 EDT=-14400d EGST=0d EGT=-3600 EST=-18000 FNT=-7200 FNST=-3600d
GFT=-10800 GYT=America/Guyana MDT=-21600d MST=-25200 NDT=-9000d NFT=-12600 NST=-12600 PET=-18000 PDT=-25200d
PMDT=-7200d PMST=-10800 PST=-28800 PYST=-10800d PYT=America/Asuncion UYST=-7200d UYT=-10800
VET=America/Caracas WGST=-7200d WGT=-10800 DAVT=Antarctica/Davis DDUT=36000 MAWT=Antarctica/Mawson AFT=16200
ALMT=21600 ALMST=25200d AMST=Asia/Yerevan AMT=-14400 ANAST=Asia/Anadyr ANAT=Asia/Anadyr AZST=Asia/Baku
AZT=Asia/Baku BDT=21600 BNT=28800 BORT=28800 BTT=21600 CCT=28800 GEST=Asia/Tbilisi GET=Asia/Tbilisi
HKT=28800 ICT=25200 IDT=10800d IRKST=Asia/Irkutsk IRKT=Asia/Irkutsk IRT=12600 IST=7200 JAYT=32400 JST=32400
KDT=36000d KGST=21600d KGT=Asia/Bishkek KRAST=Asia/Krasnoyarsk KRAT=Asia/Krasnoyarsk KST=32400
LKT=Asia/Colombo MAGST=Asia/Magadan MAGT=Asia/Magadan MMT=23400 MYT=28800 NOVST=Asia/Novosibirsk
NOVT=Asia/Novosibirsk NPT=20700 OMSST=Asia/Omsk OMST=Asia/Omsk PETST=Asia/Kamchatka PETT=Asia/Kamchatka
PHT=28800 PKT=18000 PKST=21600d SGT=Asia/Singapore TJT=18000 TMT=Asia/Ashgabat ULAST=32400d
ULAT=Asia/Ulaanbaatar UZST=21600d UZT=18000 VLAST=Asia/Vladivostok VLAT=Asia/Vladivostok XJT=21600
YAKST=Asia/Yakutsk YAKT=Asia/Yakutsk YEKST=21600d YEKT=Asia/Yekaterinburg ADT=-10800d AST=-14400 AZOST=0d
AZOT=-3600 FKST=Atlantic/Stanley FKT=Atlantic/Stanley ACSST=37800d ACDT=37800d ACST=34200 ACWST=31500
AESST=39600d AEDT=39600d AEST=36000 AWSST=32400d AWST=28800 CADT=37800d CAST=34200 LHDT=Australia/Lord_Howe
LHST=37800 LIGT=36000 NZT=43200 SADT=37800d WADT=28800d WAST=25200 WDT=32400d GMT=0 UCT=0 UT=0 UTC=0 Z=0
ZULU=0 BST=3600d BDST=7200d CEST=7200d CET=3600 CETDST=7200d EEST=10800d EET=7200 EETDST=10800d FET=10800
MEST=7200d MESZ=7200d MET=3600 METDST=7200d MEZ=3600 MSD=14400d MSK=Europe/Moscow VOLT=Europe/Volgograd
WET=0 WETDST=3600d CXT=25200 IOT=Indian/Chagos MUT=14400 MUST=18000d MVT=18000 RET=14400 SCT=14400 TFT=18000
CHADT=49500d CHAST=45900 CHUT=36000 CKT=Pacific/Rarotonga EASST=Pacific/Easter EAST=Pacific/Easter
FJST=46800d FJT=43200 GALT=-21600 GAMT=-32400 GILT=43200 HST=-36000 KOST=Pacific/Kosrae
LINT=Pacific/Kiritimati MART=-34200 MHT=43200 MPT=36000 NUT=Pacific/Niue NZDT=46800d NZST=43200 PGT=36000
PONT=39600 PWT=32400 TAHT=-36000 TKT=Pacific/Fakaofo TOT=46800 TRUT=36000 TVT=43200 VUT=39600 WAKT=43200
WFT=43200 YAPT=36000
`

function parseEntry(entry: string): [string, TimeZoneAbbreviation] {
  const [name = '', meaning = ''] = entry.split('=')
  const offset = Number.parseInt(meaning, 10)
  return Number.isNaN(offset)
    ? [name.toLowerCase(), { offsetSeconds: undefined, isDst: false, zoneName: meaning }]
    : [name.toLowerCase(), { offsetSeconds: offset, isDst: meaning.endsWith('d'), zoneName: undefined }]
}

/** By lower-case name. */
export const TIME_ZONE_ABBREVIATIONS: ReadonlyMap<string, TimeZoneAbbreviation> = new Map(
  TABLE.trim().split(/\s+/).map(parseEntry),
)
