import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RecommendRequest } from '../contract.js';
import { FakeHost } from './testing/fake-host.js';
import { startService } from './testing/start.js';

const BROWSER = process.env.CHROMIUM ?? '/usr/bin/chromium';
const TIMEOUT = 60_000;

/** Where tests are to be complete the browser has to be there. */
const isSkipped = !existsSync(BROWSER) && process.env.CI === undefined;

let browser: Browser;
beforeAll(async () => {
  if (!isSkipped) browser = await chromium.launch({ executablePath: BROWSER, args: ['--no-sandbox'] });
}, TIMEOUT);
afterAll(async () => browser?.close());

/** Two versions side by side. */
class TwoVersions extends FakeHost {
  override live() {
    const [one] = super.live();
    return [
      { ...one!, share: 0.75 },
      { ...one!, info: { ...one!.info, id: 'v2' }, share: 0.25 },
    ];
  }
  override async recommend(request: RecommendRequest, version?: string) {
    const answer = await super.recommend(request);
    return { ...answer, version: version ?? 'v1' };
  }
}

/** Opens the dashboard; whatever it complains of, or asks of another server, is gathered. */
async function open(url: string, size = { width: 1200, height: 900 }) {
  const page = await browser.newPage({ viewport: size });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/40[14]/.test(message.text())) complaints.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !request.url().startsWith('data:')) complaints.push(request.url());
  });
  await page.goto(url);
  return { page, complaints };
}

const text = (page: Page, selector: string) => page.locator(selector).textContent();

test.skipIf(isSkipped)(
  'the overview shows funnel, latency and versions of the traffic',
  async () => {
    const { url, call } = await startService({ host: new TwoVersions() });
    for (let i = 0; i < 5; i++) await call('POST', '/v1/recommend', { user: i });
    const { page, complaints } = await open(url);
    await page.locator('#versions table').waitFor();
    await page.locator('#funnel svg').first().waitFor();
    expect(await text(page, '#status')).toBe('serving');
    expect(await page.locator('#funnel svg').first().getAttribute('aria-label')).toBe(
      'retrieve: 20 → 20 items in 0.500 ms',
    );
    expect(await text(page, '#versions')).toMatch(/v1[\s\S]*75(\.0)? %[\s\S]*v2[\s\S]*25(\.0)? %/);
    expect(await text(page, '#versions')).toContain('0.750');
    expect(await page.locator('#latency svg.chart').getAttribute('aria-label')).toContain('p99');
    expect(complaints).toEqual([]);
    await page.close();
  },
  TIMEOUT,
);

test.skipIf(isSkipped)(
  'the explorer is worked by keyboard alone, and shows both versions, what was kept and what was dropped',
  async () => {
    const host = new TwoVersions();
    host.users.set('7', { age: 30 });
    host.items.set('1', { title: '<img src=x onerror=alert(1)>', price: 1 });
    await host.addEvents([{ user: '7', item: '3', time: 1_700_000_000, feedback: { click: 1 } }]);
    const { url } = await startService({ host });
    const { page, complaints } = await open(url);
    await page.locator('#versions table').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(`document.activeElement.textContent`)).toBe('to the content');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(`document.activeElement.id`)).toBe('link-explorer');
    await page.keyboard.press('Enter');
    await page.locator('#user').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(`document.activeElement.id`)).toBe('user');
    await page.keyboard.type('7');
    await page.keyboard.press('Enter');
    await page.locator('#sides .panel').nth(1).waitFor();
    expect(await text(page, '#history')).toMatch(/User 7[\s\S]*age 30[\s\S]*item 3/);
    const [left, right] = await page.locator('#sides .panel').all();
    expect(await left!.textContent()).toMatch(/^v1/);
    expect(await right!.textContent()).toMatch(/^v2/);
    expect(await left!.textContent()).toContain('<img src=x onerror=alert(1)>');
    const prerank = left!.locator('details', { hasText: 'prerank: 20 → 12' });
    expect(await prerank.locator('tr.dropped').count()).toBe(8);
    expect(await prerank.locator('tr.cut').count()).toBe(1);
    expect(complaints).toEqual([]);
    await page.close();
  },
  TIMEOUT,
);

test.skipIf(isSkipped)(
  'on a phone nothing is wider than the screen, and the numbers of the charts can be read',
  async () => {
    const { url, call } = await startService({ host: new TwoVersions() });
    await call('POST', '/v1/recommend', { user: 1 });
    const { page } = await open(url, { width: 360, height: 740 });
    await page.locator('#versions table').waitFor();
    for (const view of ['overview', 'explorer']) {
      await page.goto(`${url}/#${view}`);
      if (view === 'explorer') {
        await page.locator('#user').fill('1');
        await page.locator('#ask button').click();
        await page.locator('#sides .panel').first().waitFor();
      }
      expect(await page.evaluate('document.documentElement.scrollWidth'), view).toBeLessThanOrEqual(360);
    }
    await page.goto(`${url}/#overview`);
    await page.locator('.chart text').first().waitFor();
    const heights = "[...document.querySelectorAll('.chart text')].map((text) => text.getBoundingClientRect().height)";
    expect(Math.min(...((await page.evaluate(heights)) as number[]))).toBeGreaterThan(9);
    await page.close();
  },
  TIMEOUT,
);

test.skipIf(isSkipped)(
  'where reading needs a key it is asked for, and kept in the tab only',
  async () => {
    const { url, readKey } = await startService({ closed: true });
    const { page } = await open(url);
    await page.locator('#key-form').waitFor();
    await page.locator('#key').fill(readKey);
    await page.keyboard.press('Enter');
    await page.locator('#versions table').waitFor();
    expect(await page.locator('#key-form').isHidden()).toBe(true);
    expect(await page.evaluate('localStorage.length')).toBe(0);
    await page.close();
  },
  TIMEOUT,
);
