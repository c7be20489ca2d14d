// SPDX-License-Identifier: Apache-2.0
//
// What the packages do not tell, written for weir: forms of telephone numbers and postcodes, area codes, which shapes
// of the atlas and which name lists belong to a nationality, Irish and Maori names, Turkish province numbers.

// Patterns: # a digit, n 2 to 9, a an area code of the region, @ a capital letter, & a letter or digit, P the postcode's
// prefix; others stand for themselves. A prefix of letters overlays a pattern without P. digits: of a numeric prefix, 0 = letters.
export const nations = {
  AU: { digits: 4, name: 'Australia', atlas: ['036'], locales: ['en_AU'], phone: '0a-####-####', cell: '04##-###-###', postcode: 'P',
    areas: { 'New South Wales': '2', 'Australian Capital Territory': '2', Victoria: '3', Tasmania: '3', Queensland: '7',
      'South Australia': '8', 'Western Australia': '8', 'Northern Territory': '8' } },
  BR: { name: 'Brazil', atlas: ['076'], locales: ['pt_BR'], phone: '(a) 3###-####', cell: '(a) 9####-####', postcode: 'P-###',
    areas: { 'São Paulo': '11|12|13|14|15|16|17|18|19', 'Rio de Janeiro': '21|22|24', 'Espírito Santo': '27|28', 'Minas Gerais': '31|32|33|34|35|37|38',
      Paraná: '41|42|43|44|45|46', 'Santa Catarina': '47|48|49', 'Rio Grande do Sul': '51|53|54|55', 'Federal District': '61', Goiás: '62|64',
      Tocantins: '63', 'Mato Grosso': '65|66', 'Mato Grosso do Sul': '67', Acre: '68', Rondônia: '69', Bahia: '71|73|74|75|77', Sergipe: '79',
      Pernambuco: '81|87', Alagoas: '82', Paraíba: '83', 'Rio Grande do Norte': '84', Ceará: '85|88', Piauí: '86|89', Pará: '91|93|94',
      Amazonas: '92|97', Roraima: '95', Amapá: '96', Maranhão: '98|99' } },
  CA: { digits: 0, name: 'Canada', atlas: ['124'], locales: ['en', 'fr_CA'], streets: ['en_CA'], phone: '(a) n##-####', cell: '(a) n##-####', postcode: '@#@ #@#',
    areas: { Alberta: '403|780|587', 'British Columbia': '604|250|778', Manitoba: '204|431', 'New Brunswick': '506', 'Newfoundland and Labrador': '709',
      'Northwest Territories': '867', 'Nova Scotia': '902', Nunavut: '867', Ontario: '416|519|613|705|905|647|807', 'Prince Edward Island': '902',
      Quebec: '418|450|514|819|438', Saskatchewan: '306|639', Yukon: '867' } },
  CH: { digits: 4, name: 'Switzerland', atlas: ['756'], locales: ['de_CH', 'fr_CH'], streets: ['de_CH'], phone: '0n# ### ## ##', cell: '07# ### ## ##', postcode: 'P' },
  DE: { name: 'Germany', atlas: ['276'], locales: ['de'], phone: '0n##-#######', cell: '017#-#######', postcode: 'P' },
  DK: { digits: 4, name: 'Denmark', atlas: ['208'], locales: ['da'], phone: 'n#######', cell: 'n#######', postcode: 'P' },
  ES: { name: 'Spain', atlas: ['724'], locales: ['es'], phone: '9n#-###-###', cell: '6##-###-###', postcode: 'P' },
  FI: { name: 'Finland', atlas: ['246', '248'], locales: ['fi'], phone: '0n-###-###', cell: '04#-###-##-##', postcode: 'P' },
  FR: { name: 'France', atlas: ['250'], locales: ['fr'], phone: '0a-##-##-##-##', cell: '06-##-##-##-##', postcode: 'P',
    areas: { 'Île-de-France': '1', Normandy: '2', Brittany: '2', 'Pays de la Loire': '2', 'Centre-Val de Loire': '2', 'Grand Est': '3',
      'Hauts-de-France': '3', 'Bourgogne-Franche-Comté': '3', 'Auvergne-Rhône-Alpes': '4', 'Provence-Alpes-Côte d\'Azur': '4', Corsica: '4',
      Occitanie: '5|4', 'New Aquitaine': '5' } },
  GB: { digits: 0, name: 'United Kingdom', atlas: ['826'], locales: ['en'], streets: ['en_GB'], phone: '01n## ######', cell: '07### ######', postcode: 'P# #@@' },
  IE: { digits: 0, name: 'Ireland', atlas: ['372'], locales: [], streets: ['en_IE'], phone: '0a1-###-####', cell: '081-###-####', postcode: 'P &&&&',
    areas: { Leinster: '4|5', Munster: '2|6', Connacht: '7|9', Ulster: '7' } },
  IN: { digits: 6, name: 'India', atlas: ['356'], locales: ['en_IN'], streetOk: (s) => !/\d/.test(s), phone: '7#########', cell: '9#########', postcode: 'P' },
  IR: { name: 'Iran', atlas: ['364'], locales: ['fa'], phone: '0n#-########', cell: '09##-###-####', postcode: 'P-#####' },
  MX: { name: 'Mexico', atlas: ['484'], locales: ['es_MX'], phone: '(n##) ### ####', cell: '(n##) ### ####', postcode: 'P' },
  NL: { digits: 4, name: 'Netherlands', atlas: ['528'], locales: ['nl'], phone: '(0n#) #######', cell: '(06) ########', postcode: 'P @@' },
  NO: { digits: 4, name: 'Norway', atlas: ['578'], locales: ['nb_NO'], phone: 'n#######', cell: '9#######', postcode: 'P' },
  NZ: { digits: 4, name: 'New Zealand', atlas: ['554'], locales: ['en_AU'], streets: ['en_AU'], phone: '(0a)-###-####', cell: '(02#)-###-####', postcode: 'P',
    areas: { Auckland: '9', Northland: '9', Waikato: '7', 'Bay of Plenty': '7', Gisborne: '6', "Hawke's Bay": '6', 'Manawatu-Wanganui': '6',
      Taranaki: '6', Wellington: '4', Canterbury: '3', Otago: '3', Southland: '3', Marlborough: '3', Nelson: '3', Tasman: '3', 'West Coast': '3',
      'Chatham Islands': '3' } },
  RS: { name: 'Serbia', atlas: ['688'], locales: ['sr_RS_latin'], phone: '0n#-####-###', cell: '06#-####-###', postcode: 'P' },
  TR: { name: 'Turkey', atlas: ['792'], locales: ['tr'], phone: '(n##)-###-####', cell: '(5##)-###-####', postcode: 'P' },
  // The atlas draws Crimea apart from Ukraine; GeoNames lists its cities under UA.
  UA: { name: 'Ukraine', atlas: ['804', '643'], locales: ['uk'], phone: '(0n#) ###-####', cell: '(09#) ###-####', postcode: 'P' },
  US: { name: 'United States', atlas: ['840'], locales: ['en'], streets: ['en_US'], phone: '(a) n##-####', cell: '(a) n##-####', postcode: 'P',
    areas: { Alabama: '205|251|256|334', Alaska: '907', Arizona: '480|520|602|623|928', Arkansas: '479|501|870', California: '209|213|310|408|415|510|530|559|562|619|626|650|661|707|714|760|805|818|831|909|916|925|949',
      Colorado: '303|719|720|970', Connecticut: '203|860', Delaware: '302', 'District of Columbia': '202', Florida: '239|305|321|352|386|407|561|727|813|850|863|904|941|954',
      Georgia: '229|404|478|706|770|912', Hawaii: '808', Idaho: '208', Illinois: '217|309|312|618|630|708|773|815|847', Indiana: '219|260|317|574|765|812',
      Iowa: '319|515|563|641|712', Kansas: '316|620|785|913', Kentucky: '270|502|606|859', Louisiana: '225|318|337|504|985', Maine: '207', Maryland: '301|410|443',
      Massachusetts: '413|508|617|781|978', Michigan: '231|248|269|313|517|586|616|734|810|906|989', Minnesota: '218|320|507|612|651|763|952', Mississippi: '228|601|662',
      Missouri: '314|417|573|636|660|816', Montana: '406', Nebraska: '308|402', Nevada: '702|775', 'New Hampshire': '603', 'New Jersey': '201|609|732|856|908|973',
      'New Mexico': '505|575', 'New York': '212|315|347|516|518|585|607|631|646|716|718|845|914', 'North Carolina': '252|336|704|828|910|919', 'North Dakota': '701',
      Ohio: '216|330|419|440|513|614|740|937', Oklahoma: '405|580|918', Oregon: '503|541|971', Pennsylvania: '215|412|484|570|610|717|724|814', 'Rhode Island': '401',
      'South Carolina': '803|843|864', 'South Dakota': '605', Tennessee: '423|615|731|865|901|931', Texas: '210|214|254|281|361|409|432|512|713|806|817|830|903|915|936|940|956|972|979',
      Utah: '435|801', Vermont: '802', Virginia: '276|434|540|571|703|757|804', Washington: '206|253|360|425|509', 'West Virginia': '304', Wisconsin: '262|414|608|715|920', Wyoming: '307' } },
};

const words = (text) => text.trim().split(/\s+/);
export const irish = {
  female: words(`Aoife Saoirse Ciara Niamh Róisín Caoimhe Orla Sinéad Siobhán Gráinne Éabha Fiadh Clodagh Aisling Eimear Deirdre Maeve Bríd
    Áine Nuala Sorcha Muireann Sadhbh Cara Erin Maura Kathleen Bridget Noreen Eileen Mary Margaret Grace Emily Lucy Ella Sophie Anna Kate Chloe
    Hannah Amelia Ava Emma Ruby Molly Freya Ellie Lily Laura Rachel Rebecca Sarah Michelle Fiona Una Ailbhe Bláthnaid Dearbhla Laoise Méabh Étaín`),
  male: words(`Oisín Cian Fionn Conor Seán Darragh Cillian Eoin Tadhg Rory Aidan Brendan Ciarán Colm Cormac Declan Diarmuid Donal Éanna Eamon
    Fergal Fergus Finbarr Finn Kevin Liam Lorcan Malachy Niall Nollaig Oran Padraig Patrick Ronan Ruairí Séamus Shane Senan Tomás Turlough Michael
    John James Thomas Daniel Jack Noah Luke Adam Charlie Harry Alan Barry Brian Dermot Gerard Kieran Martin Noel Odhran Peadar Rían`),
  last: words(`Murphy Kelly Walsh Byrne Ryan Doyle McCarthy Gallagher Doherty Kennedy Lynch Murray Quinn Moore McLoughlin Carroll Connolly Daly
    Connell Wilson Dunne Brennan Burke Collins Campbell Clarke Johnston Hughes Farrell Fitzgerald Brown Martin Maguire Nolan Flynn Thompson Callaghan
    Duffy Mahony Boyle Healy Shea White Sweeney Hayes Kavanagh Power McGrath Moran Brady Stewart Casey Foley Fitzpatrick McDonnell Cullen Whelan Egan
    Keane Molloy Buckley Kenny Keogh Hogan Kerr Higgins Barry Cunningham Hickey Roche Dwyer Tierney Cronin Geraghty Mulligan Hanley Devlin Rooney
    O'Brien O'Sullivan O'Connor O'Neill O'Reilly O'Leary O'Donoghue O'Hara O'Grady O'Keeffe O'Rourke O'Dowd O'Toole O'Malley O'Shea O'Dea`),
};
export const maori = {
  female: words('Aroha Anahera Hinemoa Huia Kahurangi Kiri Maia Manaia Marama Mere Moana Ngaio Ngaire Rangimarie Roimata Tui Whetu Awhina'),
  male: words('Ari Hemi Hoani Hone Ihaia Kahu Kauri Mikaere Nikau Piripi Rangi Rawiri Rewi Tama Tamati Tane Wiremu Wiri'),
  last: words('Parata Ngata Tawhiri Hohepa Walker Henare Paki Rangihuna Tamihana Waititi Kingi Tipene Pohatu Wharehuia Mahuta Heke Poutama Ruatapu'),
};
export const plates = Object.fromEntries(`Adana Adıyaman Afyonkarahisar Ağrı Amasya Ankara Antalya Artvin Aydın Balıkesir Bilecik Bingöl Bitlis Bolu Burdur
  Bursa Çanakkale Çankırı Çorum Denizli Diyarbakır Edirne Elazığ Erzincan Erzurum Eskişehir Gaziantep Giresun Gümüşhane Hakkâri Hatay Isparta Mersin
  Istanbul İzmir Kars Kastamonu Kayseri Kırklareli Kırşehir Kocaeli Konya Kütahya Malatya Manisa Kahramanmaraş Mardin Muğla Muş Nevşehir Niğde Ordu
  Rize Sakarya Samsun Siirt Sinop Sivas Tekirdağ Tokat Trabzon Tunceli Şanlıurfa Uşak Van Yozgat Zonguldak Aksaray Bayburt Karaman Kırıkkale Batman
  Şırnak Bartın Ardahan Iğdır Yalova Karabük Kilis Osmaniye Düzce`.trim().split(/\s+/).map((name, i) => [name, String(i + 1).padStart(2, '0')]));
// Towns the package knows by another name only.
export const renamed = {
  Gaillimh: 'Galway', Luimneach: 'Limerick', 'Loch Garman': 'Wexford', 'Droichead Nua': 'Newbridge', 'Cluain Meala': 'Clonmel',
  'An Muileann gCearr': 'Mullingar', 'Cill Airne': 'Killarney',
};
// Communes the package has no number of.
export const departments = { Paris: '75' };
