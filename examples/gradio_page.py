"""The page 虚拟外教: speak or type, hear the teacher, read what was said.  Run with: python examples/gradio_page.py"""

import uuid

import gradio as gr

from waijiao import Client
from waijiao.errors import WaijiaoError

HOUR_S = 3600  # seconds for which Gradio keeps the recordings and answers of this page
teacher = Client()


def ask(recording: str | None, text: str, session: str, conversation: list[dict[str, str]]) -> tuple[object, ...]:
    try:
        answer = teacher.ask(recording, text=text or None, session=session)
    except WaijiaoError as error:
        gr.Warning(error.detail, duration=None)
        return gr.skip(), gr.skip(), None, conversation
    before = [] if answer.job.outcome == "session_reset" else conversation
    learner = " ".join(filter(None, [answer.heard, text]))
    return None, "", answer.audio, [*before, message("user", learner), message("assistant", answer.text)]


def message(role: str, text: str) -> dict[str, str]:
    return {"role": role, "content": text}


def start_over(session: str, conversation: list[dict[str, str]]) -> tuple[object, ...]:
    try:
        teacher.reset_session(session)
    except WaijiaoError as error:
        gr.Warning(error.detail, duration=None)
        return gr.skip(), gr.skip(), gr.skip(), conversation
    return None, "", None, []


with gr.Blocks(title="虚拟外教", analytics_enabled=False, delete_cache=(HOUR_S, HOUR_S)) as page:
    session = gr.State(lambda: uuid.uuid4().hex)  # one for each tab of a browser
    gr.Markdown("# 虚拟外教 · Your English teacher")
    with gr.Row():
        with gr.Column():
            speech = gr.Audio(label="说话 Speak", sources=["microphone", "upload"], type="filepath", buttons=[])
            text = gr.Textbox(label="或者打字 Or type", placeholder="Yesterday I go to the library.")
            send = gr.Button("发送 Send", variant="primary")
            restart = gr.Button("重新开始 Start over")
        with gr.Column():
            answer = gr.Audio(label="老师的回答 The answer", autoplay=True, interactive=False, buttons=["download"])
            conversation = gr.Chatbot(label="对话 Conversation", render_markdown=False, latex_delimiters=[], buttons=[])
    outputs = [speech, text, answer, conversation]
    options = {"concurrency_limit": 16, "show_progress_on": answer, "api_visibility": "private"}
    gr.on([send.click, text.submit], ask, [speech, text, session, conversation], outputs, **options)
    gr.on([restart.click, conversation.clear], start_over, [session, conversation], outputs, **options)

if __name__ == "__main__":  # GRADIO_SERVER_PORT chooses another port than 7860
    page.launch(server_name="127.0.0.1", share=False, ssr_mode=False, run_history=False, footer_links=[])
