// The soak: `npm run soak`. A laptop lives through two hours of a scripted life; after each step its IPv4 works, or the client says
// why not with a reason that the contract knows; at the end the host is as it was. Exit code 1 if anything of that is not so.
//
//     place.ts   a router with NAT64, DNS64, RA      world.ts  all of it, and what has to be true
//     laptop.ts  the namespace with the client       steps.ts  what happens
//     soak.ts    chooses, does and checks

import { copyBundle } from './laptop.ts';
import { readOptions, USAGE } from './options.ts';
import { soak } from './soak.ts';

const options = readOptions(process.argv.slice(2), Date.now() % 1_000_000);
if (options === null) console.log(USAGE);
else process.exitCode = (await soak(options, copyBundle)).length === 0 ? 0 : 1;
