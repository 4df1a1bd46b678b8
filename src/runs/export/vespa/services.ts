import { SCHEMA } from './schema.js';

/** From this version on `distance-metric: dotproduct` searches by the inner product. */
const OLDEST_VESPA = '8.170.18';

/** The text of `services.xml`: one node that takes queries and documents and holds them. */
export function servicesText(): string {
  return `<?xml version="1.0" encoding="utf-8" ?>
<services version="1.0" minimum-required-vespa-version="${OLDEST_VESPA}">
  <container id="default" version="1.0">
    <search/>
    <document-api/>
    <nodes>
      <node hostalias="node1"/>
    </nodes>
  </container>
  <content id="items" version="1.0">
    <min-redundancy>1</min-redundancy>
    <documents>
      <document type="${SCHEMA.document}" mode="index"/>
    </documents>
    <nodes>
      <node hostalias="node1" distribution-key="0"/>
    </nodes>
  </content>
</services>
`;
}
