//! Lists in every encoding: set, found out, marked, and damaged.

use encoding_rs::{
    BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE,
    WINDOWS_1250, WINDOWS_1251, WINDOWS_1252, WINDOWS_1253, WINDOWS_1254, WINDOWS_1255,
    WINDOWS_1256, WINDOWS_1257, WINDOWS_1258,
};

use super::{Case, case, check, gzip, with};

fn encoded(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    let (bytes, _, lost) = encoding.encode(text);
    assert!(!lost, "{text} is not all in {}", encoding.name());
    bytes.into_owned()
}

fn wide(text: &str, to: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(to).collect()
}

const CHINESE: &str = "email,name\nwei@x.example,王伟\nna@x.example,李娜\n";

pub(super) fn cases() -> Vec<Case> {
    let little = wide(CHINESE, u16::to_le_bytes);
    let big = wide(CHINESE, u16::to_be_bytes);
    let marked = |mark: &[u8], text: &[u8]| [mark, text].concat();
    let odd = [&little[..], b"x"].concat();
    let lone = [&little[..little.len() - 2], &[0x00, 0xd8, b'a', 0]].concat();
    vec![
        case(
            "utf8.csv",
            CHINESE,
            &[
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
        case(
            "marked.csv",
            marked(b"\xef\xbb\xbf", CHINESE.as_bytes()),
            &[
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
        case(
            "utf16le.csv",
            marked(b"\xff\xfe", &little),
            &[
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
        case(
            "utf16be.csv",
            marked(b"\xfe\xff", &big),
            &[
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
        case(
            "unmarked16le.csv",
            &little,
            &[
                "note: unmarked16le.csv: read as UTF-16LE; first names: 王伟, 李娜; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
        case(
            "unmarked16be.csv",
            &big,
            &[
                "note: unmarked16be.csv: read as UTF-16BE; first names: 王伟, 李娜; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
        // The label utf-16 and its mark: the mark says the order of bytes.
        with(
            "set16.csv",
            marked(b"\xfe\xff", &big),
            |it| it.encoding = Some(UTF_16LE),
            &[
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
        with(
            "set16be.csv",
            &big,
            |it| it.encoding = Some(UTF_16BE),
            &[
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
        with(
            "odd16.csv",
            &odd,
            |it| it.encoding = Some(UTF_16LE),
            &[
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
                "error: odd16.csv, row 3 (line 4), column \"email\": the byte at offset 88 of the file is not UTF-16LE; save the list as UTF-8 (spreadsheets call it \"CSV UTF-8\"), or set encoding = \"...\" under [recipients]",
            ],
        ),
        with(
            "lone16.csv",
            &lone,
            |it| it.encoding = Some(UTF_16LE),
            &[
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "error: lone16.csv, row 2 (line 3), column \"name\": the byte at offset 86 of the file is not UTF-16LE; save the list as UTF-8 (spreadsheets call it \"CSV UTF-8\"), or set encoding = \"...\" under [recipients]",
            ],
        ),
        case(
            "gbk.csv",
            encoded(GBK, CHINESE),
            &[
                "note: gbk.csv: read as GBK; first names: 王伟, 李娜; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
        with(
            "gbkset.jsonl",
            encoded(GBK, "{\"email\":\"wei@x.example\",\"name\":\"王伟\"}"),
            |it| it.encoding = Some(GBK),
            &["1@1 wei@x.example|wei@x.example||wei@x.example|王伟"],
        ),
        with(
            "gbkset.csv",
            encoded(GBK, CHINESE),
            |it| it.encoding = Some(GBK),
            &[
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
        case(
            "bycountry.csv",
            encoded(BIG5, "email,name\na@mail.tw,陳\nb@mail.tw,林\n"),
            &[
                "note: bycountry.csv: read as Big5; first names: 陳, 林; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 a@mail.tw|a@mail.tw||a@mail.tw|陳",
                "2@3 b@mail.tw|b@mail.tw||b@mail.tw|林",
            ],
        ),
        case(
            "gbkheader.csv",
            encoded(GBK, "email,姓名,城市\nwei@x.example,王伟,北京\n"),
            &[
                "note: gbkheader.csv: read as GBK; first names: 王伟, 北京; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟|北京",
            ],
        ),
        with(
            "display.csv",
            encoded(
                GBK,
                "email,城市,姓名\nwei@x.example,北京,王伟\nna@x.example,上海,李娜\n",
            ),
            |it| it.display = Some("姓名".into()),
            &[
                "note: display.csv: read as GBK; first names: 王伟, 李娜; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 wei@x.example|wei@x.example|王伟|wei@x.example|北京|王伟",
                "2@3 na@x.example|na@x.example|李娜|na@x.example|上海|李娜",
            ],
        ),
        with(
            "gb18030.csv",
            encoded(GB18030, "email,name\nji@x.example,𠮷野㐂\n"),
            |it| it.encoding = Some(GB18030),
            &["1@2 ji@x.example|ji@x.example||ji@x.example|𠮷野㐂"],
        ),
        case(
            "gbkcut.csv",
            [&encoded(GBK, CHINESE)[..], b"x@x.example,\xcd\n"].concat(),
            &[
                "note: gbkcut.csv: read as windows-1252; first names: ÍõÎ°, ÀîÄÈ, Í; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 wei@x.example|wei@x.example||wei@x.example|ÍõÎ°",
                "2@3 na@x.example|na@x.example||na@x.example|ÀîÄÈ",
                "3@4 x@x.example|x@x.example||x@x.example|Í",
            ],
        ),
        case(
            "big5.csv",
            encoded(
                BIG5,
                "email,姓名\nda@x.example,陳大文\nxiao@x.example,林小華\n",
            ),
            &[
                "note: big5.csv: read as Big5; first names: 陳大文, 林小華; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 da@x.example|da@x.example||da@x.example|陳大文",
                "2@3 xiao@x.example|xiao@x.example||xiao@x.example|林小華",
            ],
        ),
        case(
            "sjis.csv",
            encoded(
                SHIFT_JIS,
                "email,氏名\ntaro@x.example,山田太郎\nhana@x.example,鈴木ハナコ\n",
            ),
            &[
                "note: sjis.csv: read as Shift_JIS; first names: 山田太郎, 鈴木ハナコ; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 taro@x.example|taro@x.example||taro@x.example|山田太郎",
                "2@3 hana@x.example|hana@x.example||hana@x.example|鈴木ハナコ",
            ],
        ),
        with(
            "sjisset.csv",
            encoded(SHIFT_JIS, "email,氏名\nso@x.example,表ソ能\n"),
            |it| it.encoding = Some(SHIFT_JIS),
            &["1@2 so@x.example|so@x.example||so@x.example|表ソ能"],
        ),
        case(
            "eucjp.csv",
            encoded(
                EUC_JP,
                "email,氏名\ntaro@x.example,山田太郎さん\nhana@x.example,さくら\n",
            ),
            &[
                "note: eucjp.csv: read as EUC-JP; first names: 山田太郎さん, さくら; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 taro@x.example|taro@x.example||taro@x.example|山田太郎さん",
                "2@3 hana@x.example|hana@x.example||hana@x.example|さくら",
            ],
        ),
        case(
            "euckr.csv",
            encoded(
                EUC_KR,
                "email,이름\ncs@x.example,김철수\nyh@x.example,이영희\n",
            ),
            &[
                "note: euckr.csv: read as EUC-KR; first names: 김철수, 이영희; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 cs@x.example|cs@x.example||cs@x.example|김철수",
                "2@3 yh@x.example|yh@x.example||yh@x.example|이영희",
            ],
        ),
        case(
            "1252.csv",
            encoded(
                WINDOWS_1252,
                "email,name\nz@x.example,Zoë\nf@x.example,François – “F”\n",
            ),
            &[
                "note: 1252.csv: read as windows-1252; first names: Zoë, François – “F”; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 z@x.example|z@x.example||z@x.example|Zoë",
                "2@3 f@x.example|f@x.example||f@x.example|François – “F”",
            ],
        ),
        case(
            "1250.csv",
            encoded(
                WINDOWS_1250,
                "email,imię\nl@x.example,Łukasz Żółć\ng@x.example,Grażyna Dąbrowska\n",
            ),
            &[
                "note: 1250.csv: read as windows-1250; first names: Łukasz Żółć, Grażyna Dąbrowska; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 l@x.example|l@x.example||l@x.example|Łukasz Żółć",
                "2@3 g@x.example|g@x.example||g@x.example|Grażyna Dąbrowska",
            ],
        ),
        case(
            "1251.csv",
            encoded(
                WINDOWS_1251,
                "email,имя\nn@x.example,Наталья\ns@x.example,Сергей\n",
            ),
            &[
                "note: 1251.csv: read as windows-1251; first names: Наталья, Сергей; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 n@x.example|n@x.example||n@x.example|Наталья",
                "2@3 s@x.example|s@x.example||s@x.example|Сергей",
            ],
        ),
        with(
            "1253.csv",
            encoded(WINDOWS_1253, "email,όνομα\ng@x.example,Γιώργος\n"),
            |it| it.encoding = Some(WINDOWS_1253),
            &["1@2 g@x.example|g@x.example||g@x.example|Γιώργος"],
        ),
        with(
            "1254.csv",
            encoded(WINDOWS_1254, "email,ad\ng@x.example,Gülşen Işık\n"),
            |it| it.encoding = Some(WINDOWS_1254),
            &["1@2 g@x.example|g@x.example||g@x.example|Gülşen Işık"],
        ),
        with(
            "1255.csv",
            encoded(WINDOWS_1255, "email,שם\nd@x.example,דוד\n"),
            |it| it.encoding = Some(WINDOWS_1255),
            &["1@2 d@x.example|d@x.example||d@x.example|דוד"],
        ),
        with(
            "1256.csv",
            encoded(WINDOWS_1256, "email,اسم\na@x.example,أحمد\n"),
            |it| it.encoding = Some(WINDOWS_1256),
            &["1@2 a@x.example|a@x.example||a@x.example|أحمد"],
        ),
        with(
            "1257.csv",
            encoded(WINDOWS_1257, "email,vārds\nj@x.example,Jānis Bērziņš\n"),
            |it| it.encoding = Some(WINDOWS_1257),
            &["1@2 j@x.example|j@x.example||j@x.example|Jānis Bērziņš"],
        ),
        with(
            "1258.csv",
            encoded(WINDOWS_1258, "email,t\nn@x.example,Đông\n"),
            |it| it.encoding = Some(WINDOWS_1258),
            &["1@2 n@x.example|n@x.example||n@x.example|Đông"],
        ),
        // A byte that windows-1252 has no character for.
        with(
            "1252hole.csv",
            b"email,name\nz@x.example,Zo\xeb\ny@x.example,Y\x81\n",
            |it| it.encoding = Some(WINDOWS_1252),
            &[
                "1@2 z@x.example|z@x.example||z@x.example|Zoë",
                "error: 1252hole.csv, row 2 (line 3), column \"name\": the byte at offset 40 of the file is not windows-1252; save the list as UTF-8 (spreadsheets call it \"CSV UTF-8\"), or set encoding = \"...\" under [recipients]",
            ],
        ),
        // Set as UTF-8, and not so.
        with(
            "notutf8.csv",
            b"email,name\r\na@x.example,A\r\nb@x.example,Zo\xeb\r\n",
            |it| it.encoding = Some(UTF_8),
            &[
                "1@2 a@x.example|a@x.example||a@x.example|A",
                "error: notutf8.csv, row 2 (line 3), column \"name\": the byte at offset 41 of the file is not UTF-8; save the list as UTF-8 (spreadsheets call it \"CSV UTF-8\"), or set encoding = \"...\" under [recipients]",
            ],
        ),
        with(
            "header.csv",
            b"email,pr\xe9nom\r\n",
            |it| it.encoding = Some(UTF_8),
            &[
                "error: header.csv, header (line 1), column 2: the byte at offset 8 of the file is not UTF-8; save the list as UTF-8 (spreadsheets call it \"CSV UTF-8\"), or set encoding = \"...\" under [recipients]",
            ],
        ),
        // Much UTF-8 and one byte that is none: not another encoding, but a fault.
        case(
            "faulty.csv",
            [CHINESE.repeat(2).as_bytes(), b"b@x.example,Zo\xeb\n"].concat(),
            &[
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
                "3@4 invalid \"email\" email: no @ in the address; correct it, as in jane@x.example",
                "4@5 wei@x.example|wei@x.example||wei@x.example|王伟",
                "5@6 na@x.example|na@x.example||na@x.example|李娜",
                "error: faulty.csv, row 6 (line 7), column \"name\": the byte at offset 118 of the file is not UTF-8; save the list as UTF-8 (spreadsheets call it \"CSV UTF-8\"), or set encoding = \"...\" under [recipients]",
            ],
        ),
        with(
            "contradicts.csv",
            marked(b"\xef\xbb\xbf", CHINESE.as_bytes()),
            |it| it.encoding = Some(GBK),
            &[
                "error: contradicts.csv: the file begins with a byte order mark of UTF-8, and \"encoding\" under [recipients] says GBK; leave \"encoding\" out",
            ],
        ),
        case(
            "gbk.csv.gz",
            gzip(encoded(GBK, CHINESE)),
            &[
                "note: gbk.csv.gz: read as GBK; first names: 王伟, 李娜; set encoding = \"...\" under [recipients] if this is wrong",
                "1@2 wei@x.example|wei@x.example||wei@x.example|王伟",
                "2@3 na@x.example|na@x.example||na@x.example|李娜",
            ],
        ),
    ]
}

#[test]
fn every_encoding() {
    check(cases());
}
