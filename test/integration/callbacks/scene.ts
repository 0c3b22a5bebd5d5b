import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createEgress, type Egress } from '../../../src/egress/egress.ts';
import { createTestDatabase, type TestDatabase } from '../../helpers/database.ts';
import { addTenant, endpointIds } from './deliveries.ts';

/** What tests of deliveries work with. */
export interface CallbackScene {
  /** Of the file. */
  readonly database: TestDatabase;
  /** Of the file. */
  readonly egress: Egress;
  /** One of its own for each test, whose URLs may lead to loopback; a test may put another. */
  tenantId: number;
  /** The endpoint of the tenant's first URL. */
  readonly onlyEndpoint: () => Promise<number>;
}

/** Sets the stage before the tests of a file and clears it after them. */
export function useCallbackScene(): CallbackScene {
  let database: TestDatabase | undefined;
  let egress: Egress | undefined;
  const present = <Part>(part: Part | undefined): Part => {
    if (part === undefined) throw new Error('the scene is not set before the tests');
    return part;
  };
  const scene: CallbackScene = {
    get database() {
      return present(database);
    },
    get egress() {
      return present(egress);
    },
    tenantId: 0,
    onlyEndpoint: async () => {
      const [id] = await endpointIds(scene.database.db, scene.tenantId);
      if (id === undefined) throw new Error('no endpoint');
      return id;
    },
  };
  beforeAll(async () => {
    database = await createTestDatabase();
    egress = createEgress();
  });
  beforeEach(async () => {
    scene.tenantId = await addTenant(scene.database.db);
  });
  afterAll(async () => {
    await egress?.close();
    await database?.drop();
  });
  return scene;
}
