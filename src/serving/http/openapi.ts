import { z } from 'zod';
import { problemAnswer } from './answers.js';
import { FRAME_TYPE } from './frame.js';
import { PROBLEMS } from './problem.js';
import type { Route } from './routes.js';

/** The OpenAPI 3.1 document of the routes: bodies and answers come from the schemas that validate them. */
export function openApiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const { method, path, role, summary, body, answer, frames } of routes) {
    const parameters = [...path.matchAll(/:(\w+)/g)].map(([, name]) => {
      return { name, in: 'path', required: true, schema: { type: 'string' } };
    });
    const statuses = [...new Set(Object.values(PROBLEMS).map(({ status }) => status))];
    const problems = statuses.map((status) => [
      status,
      {
        description: Object.entries(PROBLEMS)
          .filter(([, problem]) => problem.status === status)
          .map(([code, { about }]) => `${code}: ${about}`)
          .join('; '),
        content: { 'application/json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]);
    const content = (schema: z.ZodType | undefined, io: 'input' | 'output') => ({
      'application/json': { schema: schema === undefined ? {} : jsonSchema(schema, io) },
      ...(frames && { [FRAME_TYPE]: { schema: { type: 'string', format: 'binary' } } }),
    });
    const openPath = path.replace(/:(\w+)/g, '{$1}');
    paths[openPath] ??= {};
    paths[openPath][method.toLowerCase()] = {
      summary,
      operationId: `${method.toLowerCase()}${path.replace(/\W+(\w)/g, (_, letter: string) => letter.toUpperCase())}`,
      description:
        role === 'write' ? 'Needs a key with the role `write`.' : 'Needs a key, unless the server was started without.',
      security: role === 'write' ? [{ bearer: [] }] : [{ bearer: [] }, {}],
      ...(parameters.length > 0 && { parameters }),
      ...(body !== undefined && { requestBody: { required: true, content: content(body, 'input') } }),
      responses: { 200: { description: 'done', content: content(answer, 'output') }, ...Object.fromEntries(problems) },
    };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'twotower',
      version,
      description: 'Recommendations through the cascade retrieve → pre-rank → rank.',
    },
    paths,
    components: {
      schemas: { Problem: jsonSchema(problemAnswer, 'output') },
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
    },
  };
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
