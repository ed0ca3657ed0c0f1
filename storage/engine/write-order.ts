// Sorting of a write set's entry indexes by an expensive comparison: the tail that came out of order is sorted by merges
// (typed arrays' own sort copies through the heap), then merged with the part that is in order already.

/** Up to here simple insertion is fastest. */
const INSERTION_COUNT_MAX = 12

/** order[0, sorted) is in order; returns a new array in which order[0, count) is. */
export function sortOrder(
  order: Uint32Array,
  sorted: number,
  count: number,
  compare: (a: number, b: number) => number,
): Uint32Array<ArrayBuffer> {
  const result = new Uint32Array(order.length)
  for (let i = 0; i < count; i++) result[i] = order[i] as number
  if (count <= INSERTION_COUNT_MAX) {
    insertionSort(result, 0, count, compare)
    return result
  }
  const work = new Uint32Array(count)
  mergeSort(result, work, sorted, count, compare)
  merge(result, work, 0, sorted, count, compare)
  return result
}

function mergeSort(
  a: Uint32Array,
  work: Uint32Array,
  start: number,
  end: number,
  compare: (a: number, b: number) => number,
): void {
  if (end - start <= INSERTION_COUNT_MAX) {
    insertionSort(a, start, end, compare)
    return
  }
  const middle = (start + end) >>> 1
  mergeSort(a, work, start, middle, compare)
  mergeSort(a, work, middle, end, compare)
  merge(a, work, start, middle, end, compare)
}

function insertionSort(
  a: Uint32Array,
  start: number,
  end: number,
  compare: (a: number, b: number) => number,
): void {
  for (let i = start + 1; i < end; i++) {
    const value = a[i] as number
    let j = i - 1
    for (; j >= start && compare(a[j] as number, value) > 0; j--) a[j + 1] = a[j] as number
    a[j + 1] = value
  }
}

/** Merges a[start, middle) and a[middle, end), both in order. */
function merge(
  a: Uint32Array,
  work: Uint32Array,
  start: number,
  middle: number,
  end: number,
  compare: (a: number, b: number) => number,
): void {
  if (start === middle || middle === end || compare(a[middle - 1] as number, a[middle] as number) <= 0) return
  work.set(a.subarray(start, middle), start)
  let left = start
  let right = middle
  for (let at = start; left < middle; at++) {
    if (right < end && compare(work[left] as number, a[right] as number) > 0) a[at] = a[right++] as number
    else a[at] = work[left++] as number
  }
}
