"""The approved words of letters: a few paragraphs by kind and by type of request, in each language. Pure words.

{reference}, {received}, {due} (dates as the language writes them), {right} and {law} are filled in by ``compose``.
"""

from dsar.letters.laws import EN, ZH
from dsar.models.letters import Letter

Kind = Letter.Kind

SUBJECTS = {
    EN: {
        Kind.RECEIPT: "We have received your request {reference}", Kind.EXTENSION: "Your request {reference} needs more time",
        Kind.ANSWER: "The answer to your request {reference}", Kind.PARTIAL: "The answer to your request {reference}",
        Kind.REFUSAL: "Your request {reference}", Kind.LIFTING: "The restriction of your data ends ({reference})",
        Kind.FORWARDED: "We have passed on your request {reference}", Kind.NOTHING: "The answer to your request {reference}",
        Kind.UPHELD: "Our decision on {reference}", Kind.REJECTED: "Our decision on {reference}",
    },
    ZH: {
        Kind.RECEIPT: "本公司已收到閣下的要求 {reference}", Kind.EXTENSION: "閣下的要求 {reference} 需要較長時間處理",
        Kind.ANSWER: "有關閣下要求 {reference} 的答覆", Kind.PARTIAL: "有關閣下要求 {reference} 的答覆", Kind.REFUSAL: "有關閣下的要求 {reference}",
        Kind.LIFTING: "有關閣下資料的限制即將解除（{reference}）",
        Kind.FORWARDED: "本公司已轉交閣下的要求 {reference}", Kind.UPHELD: "有關 {reference} 的決定", Kind.NOTHING: "有關閣下要求 {reference} 的答覆", Kind.REJECTED: "有關 {reference} 的決定",
    },
}  # fmt: skip

GREETING = {EN: ("Dear {name},", "Dear Sir or Madam,"), ZH: ("{name} 閣下：", "敬啟者：")}
CLOSING = {
    EN: "Yours sincerely,\n\nPrivacy office\nCallmama Limited\n8/F., China Hong Kong Tower, 8-12 Hennessy Road, Wan Chai, Hong Kong\ninfo@callmama.com",
    ZH: "此致\n\n私隱事務處\nCallmama Limited\n香港灣仔軒尼詩道 8-12 號中港大廈 8 樓\ninfo@callmama.com",
}

OPENING = {
    EN: {
        Kind.RECEIPT: "We have received your request of {received}: {what} ({law}, {right}). It has the number {reference}.",
        Kind.EXTENSION: "You asked us on {received}: {what} ({law}, {right}; our number {reference}).",
        Kind.FORWARDED: "You asked us on {received}: {what} ({law}, {right}; our number {reference}).",
        Kind.NOTHING: "You asked us on {received}: {what} ({law}, {right}; our number {reference}). This is our answer.",
        Kind.UPHELD: "You wrote to us on {received}: {what} (our number {reference}).",
        Kind.REJECTED: "You wrote to us on {received}: {what} (our number {reference}).",
        Kind.ANSWER: "You asked us on {received}: {what} ({law}, {right}; our number {reference}). This is our answer.",
        Kind.PARTIAL: "You asked us on {received}: {what} ({law}, {right}; our number {reference}). We can meet this in part.",
        Kind.REFUSAL: "You asked us on {received}: {what} ({law}, {right}; our number {reference}). We are sorry that we cannot meet this.",
        Kind.LIFTING: "You asked us on {received}: {what} ({law}, {right}; our number {reference}). Since then your data is restricted.",
    },
    ZH: {
        Kind.RECEIPT: "本公司已於 {received} 收到閣下的要求：{what}（{law}，{right}）。檔案編號為 {reference}。",
        Kind.EXTENSION: "閣下於 {received} 提出要求：{what}（{law}，{right}；檔案編號 {reference}）。",
        Kind.FORWARDED: "閣下於 {received} 提出要求：{what}（{law}，{right}；檔案編號 {reference}）。",
        Kind.NOTHING: "閣下於 {received} 提出要求：{what}（{law}，{right}；檔案編號 {reference}）。現答覆如下。",
        Kind.UPHELD: "閣下於 {received} 來函：{what}（檔案編號 {reference}）。",
        Kind.REJECTED: "閣下於 {received} 來函：{what}（檔案編號 {reference}）。",
        Kind.ANSWER: "閣下於 {received} 提出要求：{what}（{law}，{right}；檔案編號 {reference}）。現答覆如下。",
        Kind.PARTIAL: "閣下於 {received} 提出要求：{what}（{law}，{right}；檔案編號 {reference}）。本公司可滿足其中一部分。",
        Kind.REFUSAL: "閣下於 {received} 提出要求：{what}（{law}，{right}；檔案編號 {reference}）。很抱歉，本公司未能滿足該要求。",
        Kind.LIFTING: "閣下於 {received} 提出要求：{what}（{law}，{right}；檔案編號 {reference}）。自此閣下的資料一直受限制使用。",
    },
}  # fmt: skip

WHAT = {
    EN: {
        "access": "a copy of your personal data", "rectification": "the correction of your personal data",
        "erasure": "the deletion of your personal data", "restriction": "the restriction of the use of your personal data",
        "portability": "your personal data in a form that you can take with you", "objection": "that we stop using your personal data",
        "automated_decision": "that a person decides again", "complaint": "a complaint about how we handle your data",
        "appeal": "an appeal against our decision", "withdraw_consent": "the withdrawal of your consent",
        "child": "the deletion of the data of your child",
        "unsubscribe": "that we send you no marketing", "opt_out": "that we neither sell nor share your personal information",
        "limit": "that we limit the use of your sensitive personal information",
    },
    ZH: {
        "access": "取得閣下個人資料的副本", "rectification": "更正閣下的個人資料", "erasure": "刪除閣下的個人資料",
        "restriction": "限制使用閣下的個人資料", "portability": "以可攜帶的格式取得閣下的個人資料", "objection": "停止使用閣下的個人資料",
        "automated_decision": "由真人重新作出決定", "complaint": "投訴本公司處理閣下資料的方式", "appeal": "就本公司的決定提出上訴", "withdraw_consent": "撤回閣下的同意",
        "child": "刪除閣下子女的資料",
        "unsubscribe": "不再向閣下發送推廣訊息", "opt_out": "不出售亦不共用閣下的個人資料", "limit": "限制使用閣下的敏感個人資料",
    },
}  # fmt: skip
OTHER_WHAT = {EN: "a matter of your personal data", ZH: "有關閣下個人資料的事宜"}

SEARCHED = {
    EN: {"email": "the e-mail address", "phone": "the telephone number"},
    ZH: {"email": "電郵地址", "phone": "電話號碼"},
}

DONE = {
    EN: {
        "access": "Your data is ready. With it comes a list of what it holds, where it came from, to whom it was given, how long it is kept, "
        "and what was left out and why.",
        "portability": "Your data is ready: as JSON and CSV with a description, and recordings in their own format.",
        "erasure": "Your personal data was deleted, as far as nothing below says otherwise. Those to whom we had given it were told to delete it, too.",
        "rectification": "Your data was corrected. Those to whom we had given it were told.",
        "restriction": "From now on we only store this data, and use it for nothing else than legal claims and your own requests.",
        "objection": "We have stopped using your data for this.",
        "withdraw_consent": "Your consent is withdrawn, and what rested on it has ended. What was done before stays lawful.",
        "child": "The data of your child was deleted. Those to whom we had given it were told to delete it, too.",
        "automated_decision": "A person has looked at the decision again; the result stands below.",
        "unsubscribe": "This is done.", "opt_out": "This is done.", "limit": "We keep to this.",
    },
    ZH: {
        "access": "閣下的資料已備妥，並附清單，列明資料內容、來源、接收者、保留期限，以及略去的部分和原因。",
        "portability": "閣下的資料已備妥：JSON 及 CSV 格式並附說明，錄音則以原有格式提供。",
        "erasure": "除下文另有說明外，閣下的個人資料已被刪除；曾獲提供該等資料的人士亦已獲通知須予刪除。",
        "rectification": "閣下的資料已更正；曾獲提供該等資料的人士亦已獲通知。",
        "restriction": "由現在起，本公司只儲存該等資料，除法律申索及閣下本人的要求外不作其他用途。",
        "objection": "本公司已停止為此目的使用閣下的資料。",
        "withdraw_consent": "閣下的同意已撤回，以其為依據的處理已經停止；撤回前的處理仍屬合法。",
        "child": "閣下子女的資料已被刪除；曾獲提供該等資料的人士亦已獲通知須予刪除。",
        "automated_decision": "已由真人重新審視該決定，結果見下文。",
        "unsubscribe": "此事已辦妥。", "opt_out": "此事已辦妥。", "limit": "本公司遵行此要求。",
    },
}  # fmt: skip

LINES = {
    EN: {
        "receipt": "You will have our answer by {due}. If we need to make sure that it is you, we will ask; please do not send a copy of an "
        "identity document unless we ask for it.",
        "extension": "We need more time ({extension}), because:",
        "lifting": "We tell you before we use it again: not earlier than seven days after this letter the restriction is lifted, because:",
        "extension_until": "You will have our answer by {due}.",
        "link": "You can take it here until {until}: {link}\nWe will send a code to the address that you have proved to be yours. The link "
        "alone opens nothing.",
        "searched": "We have searched our records of customers, numbers, calls, messages, recordings and correspondence for:",
        "nothing": "We found nothing: apart from this correspondence we hold no personal data about you. If you have used another address "
        "or number with us, tell us, and we will search again.",
        "again": "Another member of the privacy office has looked again at our answer to your request {contested}. ",
        "again_unnamed": "Another member of the privacy office has looked into it. ",
        "upheld": "You are right. We take your request up again, and you will have a new answer from us without delay.",
        "rejected": "We have come to the same result, for the reasons that stand below.",
        "appeal": "You may appeal against this decision: write to us within a reasonable time, and another member of the privacy office "
        "will decide. We will answer within the time that your state's law gives us.",
        "forwarded": "Some of this data we hold only on behalf of a client of ours, {client}, who decides about it. We have passed your "
        "request on to them today. They will answer you, within the time that their law gives them.",
        "forwarded_unnamed": "Some of this data we hold only on behalf of a business that is our client and decides about it. We have passed "
        "your request on to them today. They will answer you, within the time that their law gives them.",
        "ours_too": "What we hold about you for our own purposes we answer ourselves, by {due}.",
        "not_ours": "We hold nothing about you for purposes of our own. With this letter our part is done.",
        "reasons": "We did not do all of what you asked, for these reasons:",
        "refused": "The reasons are:",
        "log": "This refusal is entered in our log under the number of your request.",
        "correction": "If something in it is wrong, you may ask us to correct it.",
    },
    ZH: {
        "receipt": "本公司將於 {due} 或之前答覆閣下。如需確認閣下身分，我們會另行查詢；除非我們提出，否則請勿寄來身分證明文件副本。",
        "extension": "本公司需要較長時間處理（{extension}），原因如下：",
        "lifting": "本公司在恢復使用該等資料前通知閣下：限制將於本函發出至少七日後解除，原因如下：",
        "extension_until": "本公司將於 {due} 或之前答覆閣下。",
        "link": "閣下可於 {until} 或之前在此下載：{link}\n我們會將驗證碼發送至閣下已確認的地址。單憑連結不能開啟任何資料。",
        "searched": "本公司已就以下各項查閱客戶、號碼、通話、訊息、錄音及通訊紀錄：",
        "nothing": "查無任何紀錄：除本次通訊外，本公司並無持有閣下的個人資料。如閣下曾使用其他地址或號碼，請告知本公司，我們會再次查閱。",
        "again": "私隱事務處另一位職員已重新審視本公司對閣下要求 {contested} 的答覆。",
        "again_unnamed": "私隱事務處另一位職員已就此作出調查。",
        "upheld": "閣下言之有理。本公司會重新處理閣下的要求，並會盡快再次答覆閣下。",
        "rejected": "基於下述理由，結果維持不變。",
        "appeal": "閣下可就此決定提出上訴：請於合理時間內致函本公司，由私隱事務處另一位職員作出決定；我們會在閣下所屬州份法律規定的期限內答覆。",
        "forwarded": "部分資料由本公司只代客戶 {client} 持有，並由該客戶決定如何處理。本公司已於今日將閣下的要求轉交該客戶，該客戶會在其適用法律規定的期限內答覆閣下。",
        "forwarded_unnamed": "部分資料由本公司只代一家企業客戶持有，並由該客戶決定如何處理。本公司已於今日將閣下的要求轉交該客戶，該客戶會在其適用法律規定的期限內答覆閣下。",
        "ours_too": "至於本公司為自身目的而持有的閣下資料，本公司將於 {due} 或之前自行答覆。",
        "not_ours": "本公司並無為自身目的持有閣下的資料。本公司就此要求的處理至此完成。",
        "reasons": "本公司未能完全滿足閣下的要求，原因如下：",
        "refused": "原因如下：",
        "log": "此項拒絕已按閣下要求的編號記入本公司的紀錄簿。",
        "correction": "如資料有不正確之處，閣下可要求本公司更正。",
    },
}
