"""The sizes from which a GPU's memory is computed are those that transformers and bitsandbytes give the real models."""

import pytest
import torch
from bitsandbytes.nn import Linear4bit
from transformers import BarkConfig, BarkModel, GlmConfig, GlmForCausalLM
from transformers.models.bark.configuration_bark import BarkCoarseConfig, BarkFineConfig, BarkSemanticConfig

from pipeline.gpu import model_headers
from pipeline.gpu.memory import BYTES_PER_WEIGHT
from pipeline.model_files.catalogue import find_model


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_glm_4_9b_has_the_weights_that_are_computed():
    with torch.device("meta"):  # shapes without memory
        glm = GlmForCausalLM(GlmConfig())
    shape = model_headers.language_model("glm-4-9b-chat")
    linear = sum(module.weight.numel() for module in glm.model.modules() if isinstance(module, torch.nn.Linear))
    assert linear == shape.matrices
    assert count(glm) == pytest.approx(shape.matrices + shape.others, rel=0.0002)
    assert count(glm) * 2 == pytest.approx(find_model("glm-4-9b-chat").size, rel=0.002)


@pytest.mark.parametrize("name", ["bark", "bark-small"])
def test_bark_s_file_holds_what_transformers_makes_of_its_sizes(name):
    shape = model_headers.bark(name)
    sizes = {
        "hidden_size": shape.width,
        "num_layers": shape.layers,
        "num_heads": shape.heads,
        "block_size": shape.block,
    }
    vocabularies = {
        "semantic_config": (BarkSemanticConfig, 129_600, 10_048),
        "coarse_acoustics_config": (BarkCoarseConfig, 12_096, 12_096),
        "fine_acoustics_config": (BarkFineConfig, 1_056, 1_056),
    }
    parts = {
        part: kind(**sizes, input_vocab_size=reads, output_vocab_size=writes, bias=False).to_dict()
        for part, (kind, reads, writes) in vocabularies.items()
    }
    with torch.device("meta"):
        model = BarkModel(BarkConfig(**parts))
    tensors = [*model.parameters(), *model.buffers()]  # attention's masks and the codec's books are buffers
    assert sum(tensor.nbytes for tensor in tensors) == pytest.approx(4 * shape.parameters, rel=0.001)


def test_four_bits_take_the_bytes_that_are_computed():
    layer = Linear4bit(1024, 4096, bias=False, quant_type="nf4", compress_statistics=True, quant_storage=torch.uint8)
    layer.load_state_dict({"weight": torch.zeros(4096, 1024)})
    layer = layer.to("cpu")
    state = layer.weight.quant_state
    tensors = (layer.weight.data, state.absmax, state.state2.absmax)
    assert sum(each.nbytes for each in tensors) == pytest.approx(BYTES_PER_WEIGHT["int4"] * 4096 * 1024, rel=0.001)
