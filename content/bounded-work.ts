/**
 * Processes items with limited concurrency, and returns the results in the order of the items. After a failure no
 * further item is started; started ones are awaited, and the failure of the first item is thrown.
 *
 * @param limit Maximum number of items at the same time, at least 1.
 */
export async function forEachConcurrently<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Promise<Result>[] = [];
  let failed = false;
  const queue = items.values();
  const worker = async () => {
    for (const item of queue) {
      if (failed) return;
      const result = work(item);
      results.push(result);
      await result.catch(() => {
        failed = true;
      });
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker));
  return Promise.all(results);
}
