// nodemailer's pool and Handlebars. usage: nodemailer.js CAMPAIGN HOST:PORT CONNECTIONS COUNT
// The files in CAMPAIGN/inline, where there are any, are PNG images, named by their Content-IDs.
const fs = require('fs');
const nodemailer = require('nodemailer');
const Handlebars = require('handlebars');

const [folder, server, connections, count] = process.argv.slice(2);
const [host, port] = server.split(':');
const template = (name, options) =>
  Handlebars.compile(fs.readFileSync(`${folder}/${name}`, 'utf8'), { strict: true, ...options });
const text = template('message.txt.hbs', { noEscape: true });
const html = template('message.html.hbs', {});
const inline = `${folder}/inline`;
const images = fs.existsSync(inline) ? fs.readdirSync(inline).map((cid) =>
  ({ cid, content: fs.readFileSync(`${inline}/${cid}`), contentType: 'image/png', contentDisposition: 'inline' })) : [];

function* recipients() { // the workload's list has no quoted cells
  const [head, ...lines] = fs.readFileSync(`${folder}/list.csv`, 'utf8').split(/\r?\n/);
  const names = head.split(',');
  for (const line of lines.slice(0, Number(count))) {
    const cells = line.split(',');
    yield Object.fromEntries(names.map((name, at) => [name, cells[at]]));
  }
}

const pool = nodemailer.createTransport({
  pool: true, host, port: Number(port), secure: false, ignoreTLS: true, name: 'client.example',
  maxConnections: Number(connections), maxMessages: Infinity,
});
const queue = recipients();
async function work() {
  for (const row of queue) {
    await pool.sendMail({
      from: 'Example News <news@sender.example>', to: row.email,
      subject: `Your statement, ${row.first_name}`, text: text(row), html: html(row), attachments: images,
    });
  }
}
// Two at hand for each connection: none is ever idle.
Promise.all(Array.from({ length: connections * 2 }, work)).then(
  () => pool.close(),
  (error) => { console.error(error); process.exit(1); });
