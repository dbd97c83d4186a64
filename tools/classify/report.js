/* SPDX-License-Identifier: Apache-2.0 */
/* What the report does beyond being read: filter, sort, open what a link leads to. */
(function () {
	'use strict';

	function all(selector, inside) {
		return Array.prototype.slice.call((inside || document).querySelectorAll(selector));
	}

	/* ---- filter ---- */

	var table = document.getElementById('failures');
	var form = document.getElementById('filter');
	if (table && form) {
		var text = document.getElementById('filter-text');
		var category = document.getElementById('filter-category');
		var shown = document.getElementById('filter-shown');
		var rows = all('tbody tr', table).map(function (row) {
			return { row: row, text: row.textContent.toLowerCase(), category: row.cells[2].textContent };
		});
		var filter = function () {
			var words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
			var n = 0;
			rows.forEach(function (one) {
				var fits = (!category.value || one.category === category.value) &&
					words.every(function (word) { return one.text.indexOf(word) >= 0; });
				one.row.hidden = !fits;
				n += fits;
			});
			shown.textContent = n.toLocaleString('en') + ' of ' + rows.length.toLocaleString('en');
		};
		text.addEventListener('input', filter);
		category.addEventListener('change', filter);
		form.addEventListener('submit', function (event) { event.preventDefault(); });
		form.hidden = false;
		filter();
	}

	/* ---- sort ---- */

	function valueOf(row, column, numeric) {
		var value = row.cells[column].textContent;
		return numeric ? Number(value.replace(/,/g, '')) : value.toLowerCase();
	}

	function sort(head, heads) {
		var body = head.closest('table').tBodies[0];
		var numeric = head.dataset.sort === 'number';
		var before = head.getAttribute('aria-sort');
		var down = before ? before === 'ascending' : numeric;
		var column = heads.indexOf(head);
		var sign = down ? -1 : 1;
		all('tr', body).map(function (row, index) {
			return { row: row, value: valueOf(row, column, numeric), index: index };
		}).sort(function (a, b) {
			if (a.value !== b.value)
				return (a.value < b.value ? -1 : 1) * sign;
			return a.index - b.index;
		}).forEach(function (one) { body.appendChild(one.row); });
		heads.forEach(function (other) { other.removeAttribute('aria-sort'); });
		head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
	}

	all('table.sortable').forEach(function (one) {
		var heads = all('thead th', one);
		heads.forEach(function (head) {
			if (head.dataset.sort === 'none')
				return;
			var button = document.createElement('button');
			button.type = 'button';
			button.textContent = head.textContent;
			head.textContent = '';
			head.appendChild(button);
			button.addEventListener('click', function () { sort(head, heads); });
		});
	});

	/* ---- open what is led to, and all of it on paper ---- */

	function openTarget() {
		var target = location.hash && document.getElementById(location.hash.slice(1));
		var details = target && target.closest('details');
		if (details && !details.open) {
			details.open = true;
			target.scrollIntoView();
		}
	}
	window.addEventListener('hashchange', openTarget);
	openTarget();

	var closed = [];
	window.addEventListener('beforeprint', function () {
		closed = all('details:not([open])');
		closed.forEach(function (one) { one.open = true; });
	});
	window.addEventListener('afterprint', function () {
		closed.forEach(function (one) { one.open = false; });
	});
})();
